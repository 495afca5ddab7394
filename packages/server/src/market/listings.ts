import { COMPANIES, type CompanyRow } from './companies.ts'
import { MARKETS, type MarketCode } from './exchanges.ts'
import { pick, type Random } from './random.ts'

/** What a symbol is, as far as it does not change during the day. */
export interface Listing {
  /** `CODE.MARKET`, for example `0700.HK`. */
  readonly symbol: string
  readonly name: string
  readonly market: MarketCode
  readonly sector: string
  /** The close before, in the exchange's currency. */
  readonly price: number
  /** Shares on an average day. */
  readonly dailyVolume: number
}

/** Part of all symbols that each market has. */
const SHARES: Readonly<Record<MarketCode, number>> = { US: 0.36, HK: 0.24, SH: 0.16, SZ: 0.15, SG: 0.09 }

const SECTORS = [
  'Technology',
  'Consumer',
  'Financials',
  'Health',
  'Industry',
  'Energy',
  'Materials',
  'Property',
  'Utilities',
  'Media',
] as const
const FIRST = [
  'Amber',
  'Blue',
  'Cedar',
  'Delta',
  'East',
  'Fairway',
  'Golden',
  'Harbour',
  'Iron',
  'Jade',
  'Kestrel',
  'Lotus',
  'Maple',
  'North',
  'Ocean',
  'Pearl',
  'Quartz',
  'River',
  'Silver',
  'Summit',
  'Tiger',
  'Union',
  'Vista',
  'West',
  'Zenith',
] as const
const SECOND = [
  'bridge',
  'field',
  'gate',
  'haven',
  'light',
  'mark',
  'point',
  'stone',
  'view',
  'way',
  'wood',
  'crest',
  'ford',
  'land',
  'peak',
] as const
const KIND = [
  'Holdings',
  'Group',
  'Systems',
  'Energy',
  'Pharma',
  'Logistics',
  'Foods',
  'Materials',
  'Capital',
  'Robotics',
  'Networks',
  'Motors',
  'Properties',
  'Optics',
  'Power',
] as const
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The listings of a market of `count` symbols: known companies first, then invented ones. Each symbol is unique. */
export function buildListings(count: number, random: Random): Listing[] {
  const listings: Listing[] = []
  let left = count
  for (const [index, market] of MARKETS.entries()) {
    const wanted = index === MARKETS.length - 1 ? left : Math.min(left, Math.round(count * SHARES[market]))
    left -= wanted
    const taken = new Set<string>()
    for (const row of COMPANIES[market].slice(0, wanted)) {
      taken.add(row[0])
      listings.push(listing(market, row))
    }
    while (taken.size < wanted) {
      const code = inventCode(market, random)
      if (taken.has(code)) continue
      taken.add(code)
      listings.push(listing(market, inventCompany(code, random)))
    }
  }
  return listings
}

function listing(market: MarketCode, [code, name, sector, price, dailyVolumeMillions]: CompanyRow): Listing {
  return { symbol: `${code}.${market}`, name, market, sector, price, dailyVolume: Math.round(dailyVolumeMillions * 1e6) }
}

function inventCode(market: MarketCode, random: Random): string {
  const letter = () => LETTERS[Math.floor(random() * LETTERS.length)]!
  const digits = (count: number) => String(Math.floor(random() * 10 ** count)).padStart(count, '0')
  switch (market) {
    case 'US':
      return letter() + letter() + letter() + letter()
    case 'HK':
      return digits(4)
    case 'SH':
      return `60${digits(4)}`
    case 'SZ':
      return `${pick(random, ['000', '002', '300'])}${digits(3)}`
    case 'SG':
      return letter() + letter() + digits(2)
  }
}

/** Prices spread over two decades, volumes over three; the small ones are many, as everywhere. */
function inventCompany(code: string, random: Random): CompanyRow {
  const name = `${pick(random, FIRST)}${pick(random, SECOND)} ${pick(random, KIND)}`
  const price = Math.round(2 * 100 ** random() * 100) / 100
  const dailyVolumeMillions = Math.round(0.05 * 300 ** (random() ** 1.5) * 1000) / 1000
  return [code, name, pick(random, SECTORS), price, dailyVolumeMillions]
}
