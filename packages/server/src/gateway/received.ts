/** How what a link decoded becomes what the hub holds. */
import type { FieldValue, ReceivedImage } from '@pulsewire/protocol'
import { isSameContent, type RecordPlace, type SymbolState } from '../hub/index.ts'
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

/** Whether the image shows what the symbol shows, as far as there is room for its fields. */
export function isSameImage(link: Link, book: LinkBook, image: ReceivedImage, symbol: SymbolState): boolean {
  const indexes = ourIndexes(link, book, { feedIndex: image.feedIndex, changed: [...image.values.keys()] })
  const values: (FieldValue | undefined)[] = []
  for (const [index, value] of image.values.entries()) if (indexes[index]! >= 0) values[indexes[index]!] = value
  return isSameContent({ deleted: image.deleted, raw: image.raw, values }, symbol)
}

/** Whether the image is of the very record that the symbol is at. */
export function isSameRecord(image: ReceivedImage, symbol: SymbolState): boolean {
  return symbol.generation === image.generation && symbol.partition === image.partition && symbol.offset === image.offset
}
