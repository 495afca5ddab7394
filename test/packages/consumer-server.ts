/** Type-checked by a test as a server's own code, against the published declarations. */
import { type ConsoleServer, serveConsole } from '@pulsewire/console'

export function board(url: string): Promise<ConsoleServer> {
  return serveConsole({ host: '127.0.0.1', port: 0, gateways: [url] })
}
