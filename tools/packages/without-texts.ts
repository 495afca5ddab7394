import { parseSync, Visitor } from 'oxc-parser'
import type { Plugin } from 'rolldown'

/** Which argument of an error is its text for people. */
const TEXT_OF: Readonly<Record<string, number>> = { PulsewireError: 1, ProtocolError: 0, TypeError: 0, RangeError: 0 }

/** Takes what only people read out of errors; codes stay, and docs/errors.md says what they mean. */
export const withoutTexts: Plugin = {
  name: 'without-texts',
  transform(code, id) {
    if (!id.endsWith('.ts')) return null
    const cuts: { readonly start: number; readonly end: number }[] = []
    new Visitor({
      NewExpression({ callee, arguments: given }) {
        const text = callee.type === 'Identifier' ? given[TEXT_OF[callee.name] ?? -1] : undefined
        if (text?.type === 'TemplateLiteral' || text?.type === 'Literal') cuts.push(text)
      },
    }).visit(parseSync(id, code).program)
    // From the end, so that places before stay where they are.
    return cuts.sort((a, b) => b.start - a.start).reduce((text, { start, end }) => `${text.slice(0, start)}''${text.slice(end)}`, code)
  },
}
