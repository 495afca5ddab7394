import { figures, type Group } from './figures.ts'
import { CHOSEN, DEFAULTS, type Input, MEASURED, type Numbers, numbers } from './inputs.ts'
import { after, before } from './prose.ts'

/** Installations that share the quotes and nothing else. */
const CELLS = [1, 2, 5, 10, 20]
const SHOWN_CELLS = 10

/** docs/scale.md */
export function scaleDocument(): string {
  const whole = numbers()
  const cell = numbers({ clients: whole.clients / SHOWN_CELLS })
  return [
    before,
    '## What comes of it',
    '',
    `Both columns are by the same formulas: one installation for all clients, and one of ${SHOWN_CELLS} [cells](#what-gives-way-first-and-what-to-do).`,
    '',
    ...figures(whole).flatMap((group, i) => groupTable(group, figures(cell)[i]!)),
    '## How many cells',
    '',
    ...cellTable(whole),
    '',
    '## What the figures are made of',
    '',
    '### Chosen',
    '',
    ...inputTable(CHOSEN, 'why'),
    '',
    '### Measured',
    '',
    ...inputTable(MEASURED, 'where'),
    '',
    '### As configured by default',
    '',
    ...inputTable(DEFAULTS, 'what'),
    '',
    after,
  ].join('\n')
}

function groupTable({ title, figures: whole }: Group, { figures: cell }: Group): string[] {
  const rows = whole.map(({ name, value, unit, formula }, i) => row(name, withUnit(value, unit), withUnit(cell[i]!.value, unit), formula))
  return [`### ${title}`, '', row('', 'one installation', 'a cell', 'formula'), '|---|---|---|---|', ...rows, '']
}

function cellTable(whole: Numbers): string[] {
  const rows = CELLS.map((cells) => {
    const groups = figures(numbers({ clients: whole.clients / cells }))
    const of = (name: string) => groups.flatMap((group) => group.figures).find((figure) => figure.name === name)!.value
    const fits = of('push nodes of a line') <= of('that a gateway can link to')
    const counts = ['gateways', 'push nodes of a line', 'balancers'].map((name) => short(of(name)))
    const processes = cells * (of('gateways') + 2 * of('push nodes of a line') + of('balancers') + whole.pulseWriters)
    const leases = `${short(of('read by all nodes'))} Gbit/s`
    const quotes = `${short((cells * of('read by both lines') * 8) / 1000)} Gbit/s`
    return row(String(cells), ...counts, fits ? 'yes' : 'no', leases, quotes, short(processes))
  })
  return [
    row(
      'cells',
      'gateways of each',
      'push nodes of a line',
      'balancers',
      'links suffice',
      'leases read, each cell',
      'quotes read, all cells',
      'processes in all',
    ),
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ]
}

function inputTable(inputs: Readonly<Record<string, Input>>, column: string): string[] {
  const rows = Object.entries(inputs).map(([name, { value, unit, from }]) => row(`\`${name}\``, withUnit(value, unit), from))
  return [row('', 'value', column), '|---|---|---|', ...rows]
}

function withUnit(value: number, unit: string): string {
  return unit === '' ? short(value) : unit.startsWith('/') ? `${short(value)}${unit}` : `${short(value)} ${unit}`
}

/** Three digits that count: more would be claimed precision. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '∞'
  if (Number.isInteger(value)) return value.toLocaleString('en')
  const rounded = Number(value.toPrecision(3))
  return rounded >= 1000 ? Math.round(rounded).toLocaleString('en') : String(rounded)
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
