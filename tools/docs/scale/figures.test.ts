import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scaleDocument } from './document.ts'
import { figures, leaseBytes, pulseBytes } from './figures.ts'
import { numbers, type Numbers } from './inputs.ts'

function of(name: string, changed: Partial<Numbers> = {}): number {
  const figure = figures(numbers(changed))
    .flatMap((group) => group.figures)
    .find((each) => each.name === name)
  assert.ok(figure !== undefined, name)
  return figure.value
}

test('docs/scale.md is what the inputs make of it', () => {
  assert.equal(readFileSync(join(import.meta.dirname, '../../../docs/scale.md'), 'utf8'), scaleDocument())
})

test('every figure has a value, a name of its own in its group, and a formula', () => {
  for (const { title, figures: all } of figures(numbers())) {
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length, title)
    for (const { name, value, formula } of all) assert.ok(value > 0 && Number.isFinite(value) && formula !== '', `${title}: ${name}`)
  }
})

test('half the clients take half the gateways; more symbols in common take more', () => {
  assert.ok(Math.abs(of('gateways') / of('gateways', { clients: 5_000_000 }) - 2) < 0.01)
  assert.ok(of('gateways', { interest: 0.15 }) > of('gateways'))
  // All the records are more than one core can take: no number of gateways would do.
  assert.equal(of('clients that it can serve, a zone lost', { interest: 1 }), 0)
})

test('what is left after a zone carries all clients', () => {
  const left = of('gateways') * (2 / 3)
  assert.ok(left * of('clients that it can serve, a zone lost') >= numbers().clients * 0.999)
})

test('pulses and leases grow with what they name', () => {
  assert.ok(pulseBytes(40) > pulseBytes(10) * 2)
  assert.ok(leaseBytes(30) > leaseBytes(2) * 2)
})
