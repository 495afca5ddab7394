import type { IncomingMessage } from 'node:http'

/**
 * A page elsewhere can make a browser send requests here under a name of its own that leads to this machine (DNS rebinding),
 * and would read the answers as its own: none of that is answered, the page itself neither.
 * @param hosts names under which the page is served, beside addresses and localhost; in lower case.
 * @returns why a request is not answered; `null`: it is.
 */
export function askedUnderKnownName(hosts: readonly string[]): (request: IncomingMessage) => string | null {
  return ({ headers, url = '' }) => {
    const name = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
    const isKnown = name === 'localhost' || /^(\d{1,3}\.){3}\d{1,3}$|^\[[\da-f:.]+\]$/.test(name) || hosts.includes(name)
    if (!isKnown) return `not under the name ${JSON.stringify(name)}: console.hosts names those of this page`
    // A link elsewhere may lead to the page, but no page may ask what only this one asks.
    const site = headers['sec-fetch-site']
    const isOwn = site === undefined || site === 'same-origin' || site === 'none'
    return isOwn || !/^\/(api|v1)\//.test(url) ? null : 'only from this page'
  }
}
