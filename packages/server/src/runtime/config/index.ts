export type {
  AllConfig,
  ConfigRole,
  Configs,
  FeedConfig,
  GatewayConfig,
  HistoryConfig,
  LogConfig,
  PulseConfig,
  PulseWriterConfig,
  PushConfig,
  SaslConfig,
  SessionConfig,
} from './schema.ts'
export { CONFIG_ROLES } from './schema.ts'
export { Secret } from './secret.ts'
