import { scaleFor, type DictionaryField, type FieldValue } from '@pulsewire/protocol'

interface Field extends DictionaryField {
  name: string
  scale: number
  /** Dictionary revision at which this field was last (re)defined. */
  revision: number
}

/**
 * A feed's field names by index, with the decimal scale at which their numbers travel. Grows as records bring new
 * fields; every change raises `revision`, so that a session knows when its receiver has to be told.
 */
export class FieldDictionary {
  readonly fields: Field[] = []
  revision = 0
  readonly #indexes = new Map<string, number>()
  readonly #fieldsMax: number

  constructor(fieldsMax = 1024) {
    this.#fieldsMax = fieldsMax
  }

  /** The field's index, made when new; −1 when the feed has as many fields as it may. */
  indexOf(name: string): number {
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    const index = this.fields.length
    if (index >= this.#fieldsMax) return -1
    this.fields.push({ name, scale: 0, revision: ++this.revision })
    this.#indexes.set(name, index)
    return index
  }

  find(name: string): number | undefined {
    return this.#indexes.get(name)
  }

  /** Raises a field's scale so that `value` is whole at it, where a scale does that. @returns whether it was raised. */
  fit(index: number, value: FieldValue | undefined): boolean {
    if (typeof value !== 'number') return false
    const field = this.fields[index]!
    const scale = scaleFor(value, field.scale)
    if (scale <= field.scale) return false
    field.scale = scale
    field.revision = ++this.revision
    return true
  }
}
