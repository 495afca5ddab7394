import { parseSync, Visitor, type Node } from 'oxc-parser'
import type { Plugin } from 'rolldown'

/** Which argument of an error is its text for people; `invalid` makes one of a text. */
const TEXT_OF: Readonly<Record<string, number>> = { PulsewireError: 1, ProtocolError: 0, TypeError: 0, RangeError: 0, invalid: 0 }
/** What a text is called that is too long to stand in the call. */
const TEXT_NAME = 'message'
/** One that only joins what is given, as code and message of the server, is no text of ours. */
const WORD = /[a-z]/i

/** Takes what only people read out of errors; codes stay, and docs/errors.md says what they mean. */
export const withoutTexts: Plugin = {
  name: 'without-texts',
  transform(code, id) {
    if (!id.endsWith('.ts')) return null
    const cuts: { readonly start: number; readonly end: number }[] = []
    const cut = (text: Node | null | undefined): void => {
      const isText = text?.type === 'TemplateLiteral' ? text.quasis.some(({ value }) => WORD.test(value.raw)) : text?.type === 'Literal'
      if (isText) cuts.push(text!)
    }
    const call = ({ callee, arguments: given }: { callee: Node; arguments: readonly Node[] }): void => {
      if (callee.type === 'Identifier') cut(given[TEXT_OF[callee.name] ?? -1])
    }
    new Visitor({
      NewExpression: call,
      CallExpression: call,
      VariableDeclarator({ id: name, init }) {
        if (name.type === 'Identifier' && name.name === TEXT_NAME) cut(init)
      },
    }).visit(parseSync(id, code).program)
    // From the end, so that places before stay where they are.
    return cuts.sort((a, b) => b.start - a.start).reduce((text, { start, end }) => `${text.slice(0, start)}''${text.slice(end)}`, code)
  },
}
