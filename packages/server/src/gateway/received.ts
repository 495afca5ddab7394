/** How what a link decoded becomes what the hub holds. */
import { type ReceivedImage, sameValue } from '@pulsewire/protocol'
import type { RecordPlace, SymbolState } from '../hub/index.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'

/** Applies a link's update to the symbol. @param n records that it stands for downstream; `missed`: known to be lost before it. */
export function applyImage(link: Link, book: LinkBook, symbol: SymbolState, image: ReceivedImage, n: number, missed: number): void {
  const { generation, partition, offset, ts, prev } = image
  const place: RecordPlace = { generation, partition, offset, ts, prev, n, missed }
  if (image.deleted) symbol.applyDelete(place)
  else if (image.raw !== null) symbol.applyRaw(place, image.raw)
  else {
    const values = image.changed.map((index) => image.values[index])
    symbol.applyChanges(place, image.snapshot, ourIndexes(link, book, image), values)
  }
}

/** Fields of an update by our dictionary; −1 for one that there is no room for. */
function ourIndexes(link: Link, book: LinkBook, { feedIndex, changed }: Pick<ReceivedImage, 'feedIndex' | 'changed'>): number[] {
  const map = book.fieldMaps[feedIndex]!
  const names = link.decoder.fieldNames(feedIndex)
  const { dictionary } = book.feeds[feedIndex]!
  for (let i = map.length; i < names.length; i++) map.push(dictionary.indexOf(names[i]!))
  return changed.map((index) => map[index]!)
}

/** The image as a snapshot, whatever the last update named. */
export function asSnapshot(image: ReceivedImage): ReceivedImage {
  const changed: number[] = []
  image.values.forEach((value, index) => {
    if (value !== undefined) changed.push(index)
  })
  return { ...image, snapshot: true, changed }
}

/** Whether the image shows what the symbol shows. */
export function isSameContent(link: Link, book: LinkBook, image: ReceivedImage, symbol: SymbolState): boolean {
  if (image.deleted || symbol.deleted) return image.deleted === symbol.deleted
  if (image.raw !== null || symbol.raw !== null)
    return image.raw !== null && symbol.raw !== null && Buffer.compare(image.raw, symbol.raw) === 0
  const indexes = ourIndexes(link, book, { feedIndex: image.feedIndex, changed: [...image.values.keys()] })
  let same = 0
  for (const [index, value] of image.values.entries()) {
    if (value === undefined) continue
    const held = symbol.values[indexes[index]!]
    if (held === undefined || !sameValue(held, value)) return false
    same++
  }
  return same === symbol.values.filter((value) => value !== undefined).length
}

/** Whether the image is of the very record that the symbol is at. */
export function isSameRecord(image: ReceivedImage, symbol: SymbolState): boolean {
  return symbol.generation === image.generation && symbol.partition === image.partition && symbol.offset === image.offset
}
