import { PulsewireError } from '../errors.ts'

export interface TextAnswer {
  readonly status: number
  readonly text: string
}

/**
 * The little that the client needs of HTTP, so that a simulation can bring its own. A redirect is an answer like any
 * other: it is not followed, and its body is not read.
 * @throws PulsewireError balancer_invalid when the body is larger than `bytesMax`; anything when there is no answer.
 */
export type FetchText = (url: string, bytesMax: number, signal: AbortSignal) => Promise<TextAnswer>

/** The platform's own `fetch`, without cookies: a balancer has no use for them. */
export const fetchText: FetchText = async (url, bytesMax, signal) => {
  const response = await fetch(url, { signal, redirect: 'manual', credentials: 'omit', cache: 'no-store' })
  // What a browser shows of a redirect has status 0.
  const status = response.status === 0 ? 302 : response.status
  if (status !== 200 || response.body === null) {
    await response.body?.cancel()
    return { status, text: '' }
  }
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { status, text: text + decoder.decode() }
    bytes += value.length
    if (bytes > bytesMax) {
      await reader.cancel()
      throw new PulsewireError('balancer_invalid', `the answer is larger than ${bytesMax} bytes`, { retryable: true })
    }
    text += decoder.decode(value, { stream: true })
  }
}
