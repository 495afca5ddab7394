import { ByteWriter, writePulse } from '../../../packages/protocol/src/index.ts'
import { encodeLease } from '../../../packages/server/src/directory/index.ts'
import type { Numbers } from './inputs.ts'
import { gatewayLease } from './sample-lease.ts'

/** Of a TCP segment and a WebSocket frame with TLS, and of the acknowledgement that comes back. */
const WIRE_BYTES = 100
const ACK_BYTES = 100
/** Kafka's own, of a record alone in its batch. */
const RECORD_BYTES = 70
const US = 1_000_000

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** In words, with the names of the inputs. */
  readonly formula: string
}

export interface Group {
  readonly title: string
  readonly figures: readonly Figure[]
}

/** A pulse of so many partitions, as bin.v1 carries it: encoded by the real code. */
export function pulseBytes(partitions: number): number {
  const at = 1_764_000_000_000
  const rows = Array.from({ length: partitions }, (_, i) => [i, 3_906_250_000 + i, 0, 180 + (i % 7), [4, 2]] as const)
  const writer = new ByteWriter()
  const paths = [['push-a-01', 'gateway-1234']]
  writePulse(writer, { t: 'pulse', pulse: 86_400, at, feed: 'quote', generation: 12, paths, partitions: rows }, 0, at - 86_400_000)
  return writer.take().byteLength
}

export function leaseBytes(links: number): number {
  const { key, value } = encodeLease(gatewayLease(links))
  return Buffer.byteLength(key as string) + Buffer.byteLength(value as string) + RECORD_BYTES
}

export function figures(n: Numbers): Group[] {
  const figure = (name: string, value: number, unit: string, formula: string): Figure => ({ name, value, unit, formula })

  // ---- a client
  const perSymbol = n.recordsPerSecond / n.symbols
  const delivered = n.subscriptions * n.ratePerSymbol * (1 - Math.exp(-perSymbol / n.ratePerSymbol))
  const partitionsOfClient = n.partitions * (1 - (1 - 1 / n.partitions) ** n.subscriptions)
  const pulse = pulseBytes(Math.round(partitionsOfClient))
  const clientUs = n.idleClientUs + delivered * n.deliveredUs
  const clientBytes = delivered * n.updateBytes + n.clientPulsesPerSecond * pulse + WIRE_BYTES + ACK_BYTES

  // ---- gateways
  const intake = n.recordsPerSecond * n.interest
  const intakeCore = (intake * n.gatewayRecordUs) / US
  const clientsMost = Math.max(0, ((n.usedMost - intakeCore) * US) / clientUs)
  const left = Math.ceil(n.clients / clientsMost)
  const gateways = Math.ceil((left * n.zones) / (n.zones - 1))
  const perGateway = n.clients / gateways

  // ---- push nodes
  const fanOut = (n.recordsPerSecond * n.interest * gateways * n.deliveredUs) / US
  const readIn = n.recordsPerSecond / n.intakePerSecond
  const writes = (gateways * n.innerFlushes * n.writeUs) / US
  const pushPerLine = writes < n.usedMost ? Math.ceil(((fanOut + readIn) / (n.usedMost - writes)) * (n.zones / (n.zones - 1))) : Infinity
  const linksPerLine = Math.floor(n.linksMax / 2)
  const pushBytes = n.recordsPerSecond * n.interest * gateways * n.updateBytes

  // ---- the storm
  const lost = n.clients / n.zones
  const remaining = gateways * ((n.zones - 1) / n.zones)
  const rowMs = (lost / (remaining * n.connectionsPerSecond * n.paced)) * 1000
  const asksOfStorm = (lost * n.asksPerLostClient) / (n.backWithinMs / 1000)
  const renewals = (n.clients / n.gatewaysRenewMs) * 1000

  // ---- balancers
  const nodesButBalancers = gateways + 2 * Math.min(pushPerLine, linksPerLine) + n.pulseWriters
  const leaseReading = (nodesButBalancers * n.beatsPerSecond * n.leaseUs) / US
  const judging = (gateways * n.judgementUsPerGateway * n.judgementsPerSecond) / US
  const answersEach = ((n.usedMost - leaseReading - judging) * US) / n.answerUs
  const balancers = answersEach > 0 ? Math.ceil((Math.max(asksOfStorm, renewals) / answersEach) * (n.zones / (n.zones - 1))) : Infinity
  const entries = Math.min((gateways * 1000) / (n.enteredWithinMs * n.entryPause), n.entriesPerSecondMax)

  // ---- leases
  const nodes = nodesButBalancers + balancers
  const lease = leaseBytes(2 * Math.min(pushPerLine, linksPerLine))
  const beatBytes = nodes * n.beatsPerSecond * lease

  return [
    {
      title: 'A client',
      figures: [
        figure('updates shown', delivered, '/s', 'subscriptions × ratePerSymbol × (1 − e^(−recordsPerSecond ÷ symbols ÷ ratePerSymbol))'),
        figure('partitions that its symbols are in', partitionsOfClient, '', 'partitions × (1 − (1 − 1 ÷ partitions)^subscriptions)'),
        figure('its pulse', pulse, 'bytes', 'encoded by the real code'),
        figure(
          'bandwidth',
          clientBytes / 1000,
          'kB/s',
          `updates × updateBytes + pulse + ${WIRE_BYTES} for the wire + ${ACK_BYTES} for the acknowledgement`,
        ),
        figure('CPU of its gateway', clientUs, 'µs/s', 'idleClientUs + updates × deliveredUs'),
      ],
    },
    {
      title: 'Gateways',
      figures: [
        figure('records that one takes in', intake, '/s', 'recordsPerSecond × interest, of each line'),
        figure('core for that', intakeCore, 'cores', 'records × gatewayRecordUs'),
        figure('clients that it can serve, a zone lost', clientsMost, '', '(usedMost − core for records) ÷ CPU of a client'),
        figure('gateways', gateways, '', 'clients ÷ that, × zones ÷ (zones − 1)'),
        figure('clients of each, all zones there', perGateway, '', 'clients ÷ gateways'),
        figure('bandwidth of each to clients', (perGateway * clientBytes * 8) / 1e6, 'Mbit/s', 'clients × bandwidth of a client'),
        figure('bandwidth to all clients', (n.clients * clientBytes * 8) / 1e9, 'Gbit/s', 'clients × bandwidth of a client'),
        figure(
          'memory for sessions, a zone lost',
          (clientsMost * n.clientKb) / 1e6,
          'GB',
          'clients × clientKb, which is of 10 subscriptions: more with 50',
        ),
      ],
    },
    {
      title: 'Push nodes',
      figures: [
        figure('reading the topic', readIn, 'cores a line', 'recordsPerSecond ÷ intakePerSecond'),
        figure('fan-out to all gateways', fanOut, 'cores a line', 'recordsPerSecond × interest × gateways × deliveredUs'),
        figure('writes to all gateways', writes, 'cores a node', 'gateways × innerFlushes × writeUs'),
        figure('push nodes of a line', pushPerLine, '', '(reading + fan-out) ÷ (usedMost − writes), × zones ÷ (zones − 1)'),
        figure('that a gateway can link to', linksPerLine, 'a line', 'linksMax ÷ 2'),
        figure('bandwidth of a line to gateways', (pushBytes * 8) / 1e9, 'Gbit/s', 'recordsPerSecond × interest × gateways × updateBytes'),
      ],
    },
    {
      title: 'Kafka',
      figures: [
        figure(
          'written to the topic',
          (n.recordsPerSecond * n.recordBytes * n.replicas) / 1e6,
          'MB/s',
          'recordsPerSecond × recordBytes × replicas',
        ),
        figure('read by both lines', (2 * n.recordsPerSecond * n.recordBytes) / 1e6, 'MB/s', '2 × recordsPerSecond × recordBytes'),
        figure('records of a partition', n.recordsPerSecond / n.partitions, '/s', 'recordsPerSecond ÷ partitions'),
        figure('pulses', n.partitions * n.pulseWriters * n.pulsesPerSecond, '/s', 'partitions × pulseWriters × pulsesPerSecond'),
      ],
    },
    {
      title: 'A zone lost',
      figures: [
        figure('clients that come', lost, '', 'clients ÷ zones'),
        figure('their row', rowMs / 1000, 's', 'clients ÷ (gateways left × connectionsPerSecond × paced)'),
        figure('questions to balancers', asksOfStorm, '/s', 'clients × asksPerLostClient ÷ backWithinMs'),
      ],
    },
    {
      title: 'Balancers',
      figures: [
        figure('lists renewed while all is well', renewals, '/s', 'clients ÷ gatewaysRenewMs'),
        figure('judging', judging, 'cores', 'gateways × judgementUsPerGateway × judgementsPerSecond'),
        figure('reading leases', leaseReading, 'cores', 'nodes × beatsPerSecond × leaseUs'),
        figure('answers of each', answersEach, '/s', '(usedMost − judging − reading leases) ÷ answerUs'),
        figure('balancers', balancers, '', 'the larger of both questions ÷ answers of each, × zones ÷ (zones − 1)'),
        figure(
          'messages of probes of each',
          gateways * n.probeMessages + entries * n.entryMessages,
          '/s',
          'gateways × probeMessages + new sessions × entryMessages',
        ),
        figure('probes at each gateway', balancers, '', 'balancers'),
        figure('new sessions of probes of each', entries, '/s', 'gateways ÷ (enteredWithinMs × entryPause), at most entriesPerSecondMax'),
        figure('of them at each gateway', (entries * balancers) / gateways, '/s', '× balancers ÷ gateways'),
        figure('within which a gateway lets one in', gateways / entries / n.entryPause, 's', 'gateways ÷ that ÷ entryPause'),
      ],
    },
    {
      title: 'Leases',
      figures: [
        figure('nodes', nodes, '', 'all roles'),
        figure('a lease of a gateway', lease, 'bytes', 'encoded by the real code, with as many links as there are push nodes'),
        figure('written to the control topic', beatBytes / 1e6, 'MB/s', 'nodes × beatsPerSecond × bytes'),
        figure('read by each node', (beatBytes * 8) / 1e6, 'Mbit/s', 'the same'),
        figure('core of each node for reading', (nodes * n.beatsPerSecond * n.leaseUs) / US, 'cores', 'nodes × beatsPerSecond × leaseUs'),
        figure('read by all nodes', (beatBytes * nodes * 8) / 1e9, 'Gbit/s', 'nodes × that'),
      ],
    },
  ]
}
