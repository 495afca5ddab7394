import type { Random } from '../../simulation/world/random.ts'

/** JSON texts, not values: `1e999` and `-0` have no literal that JSON.stringify would write. */
const NASTY = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '0.5',
  '1e999',
  '-1e999',
  '1e308',
  '5e-324',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '1e21',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\ufeff"',
  '"__proto__"',
  '"constructor"',
  '"*"',
  '"1:0:0"',
  '"9007199254740991:0:9007199254740991"',
  '[]',
  '{}',
  '[[]]',
  '{"__proto__":{"t":"hello"}}',
  '{"constructor":1}',
  '{"toString":null}',
] as const
const DEPTHS = [16, 500, 7000] as const
const NAMES = ['__proto__', 'constructor', 'toString', 'length', 't', 'id', ''] as const
const LONG = [100, 5000] as const

/** One edit of a JSON text by its structure; `undefined` when it is no JSON. `other` is where values come from besides. */
export function mutateJson(random: Random, text: string, other: string): string | undefined {
  const spans = spansOf(text)
  if (spans.length === 0) return undefined
  const span = random.pick(spans)
  switch (random.int(0, 7)) {
    case 0:
    case 1:
      return put(text, span, random.pick(NASTY))
    case 2: {
      const others = spansOf(other)
      if (others.length === 0) return undefined
      const { start, end } = random.pick(others)
      return put(text, span, other.slice(start, end))
    }
    case 3: {
      const from = random.pick(spans)
      return put(text, span, text.slice(from.start, from.end))
    }
    case 4: {
      const value = text.slice(span.start, span.end)
      const wide = random.chance(0.9) ? random.pick(DEPTHS.slice(0, 2)) : DEPTHS[2]
      return put(text, span, random.chance(0.5) ? `[${value},${value}]` : `${'['.repeat(wide)}${value}${']'.repeat(wide)}`)
    }
    case 5:
      return put(text, span, `"${'x'.repeat(random.pick(LONG))}"`)
    case 6:
      return memberEdit(random, text, span)
    default:
      return numberEdit(random, text, span)
  }
}

interface Span {
  readonly start: number
  readonly end: number
}

/** A member more, or one less, of the object at hand. */
function memberEdit(random: Random, text: string, { start, end }: Span): string | undefined {
  if (text[start] !== '{') return undefined
  const name = JSON.stringify(random.pick(NAMES))
  const rest = text.slice(start + 1, end)
  if (random.chance(0.5)) return put(text, { start, end }, `{${name}:${random.pick(NASTY)}${rest === '}' ? '' : ','}${rest}`)
  const members = Object.entries(JSON.parse(text.slice(start, end)) as object)
  members.splice(random.int(0, members.length), 1)
  return put(text, { start, end }, JSON.stringify(Object.fromEntries(members)))
}

function numberEdit(random: Random, text: string, span: Span): string | undefined {
  const value = Number(text.slice(span.start, span.end))
  if (!Number.isFinite(value)) return undefined
  return put(text, span, String(random.pick([value + 1, value - 1, -value, value * 2, value + 0.25])))
}

function put(text: string, { start, end }: Span, value: string): string {
  return text.slice(0, start) + value + text.slice(end)
}

/** Where the values of a JSON text lie, over all depths. None when it is no JSON. */
function spansOf(text: string): Span[] {
  const first = text[0]
  if (first !== '{' && first !== '[') return []
  try {
    JSON.parse(text)
  } catch {
    return []
  }
  const spans: Span[] = []
  const open: number[] = []
  // Strings, numbers and words; a string with a colon behind it is a name, and none of them.
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]|[-\w.+]+/g)) {
    const token = match[0]
    if (token === '[' || token === '{') open.push(match.index)
    else if (token === ']' || token === '}') spans.push({ start: open.pop()!, end: match.index + 1 })
    else if (match[1] === undefined) spans.push({ start: match.index, end: match.index + token.length })
  }
  return spans
}
