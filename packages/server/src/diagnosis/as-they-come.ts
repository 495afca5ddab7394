/**
 * Does the work of every item, so many at once, and gives each result when it is there: one that takes long holds up nobody
 * but itself. Whoever stops reading leaves what is under way to itself.
 * @throws what the first failing work throws.
 */
export async function* asTheyCome<T, R>(items: readonly T[], atOnceMax: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const done: ({ readonly result: R } | { readonly error: unknown })[] = []
  let running = 0
  let next = 0
  let wake = Promise.withResolvers<void>()
  const ended = (end: (typeof done)[number]): void => {
    running--
    done.push(end)
    wake.resolve()
  }
  while (next < items.length || running > 0 || done.length > 0) {
    for (; running < atOnceMax && next < items.length; running++) {
      work(items[next++]!).then(
        (result) => ended({ result }),
        (error: unknown) => ended({ error }),
      )
    }
    const end = done.shift()
    if (end === undefined) {
      await wake.promise
      wake = Promise.withResolvers()
    } else if ('error' in end) throw end.error
    else yield end.result
  }
}
