export { createMarket, type Market, type MarketOptions, type MarketRecord } from './market.ts'
export type { Quote, Trade } from './instrument.ts'
export type { Listing } from './listings.ts'
export { EXCHANGES, MARKETS, type MarketCode } from './exchanges.ts'
