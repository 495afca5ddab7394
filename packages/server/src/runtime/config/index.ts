export type {
  AccessConfig,
  AdminConfig,
  AllConfig,
  BalancerConfig,
  ConfigRole,
  Configs,
  DirectoryConfig,
  FaultsConfig,
  FeedConfig,
  GatewayConfig,
  HistoryConfig,
  InnerConfig,
  KafkaConfig,
  LogConfig,
  OperatorConfig,
  OtherZoneConfig,
  PulseConfig,
  PulseWriterConfig,
  PushConfig,
  ReadFeed,
  SaslConfig,
  SessionConfig,
  TracesConfig,
  WatchdogConfig,
} from './schema.ts'
export { advertisedAddresses, probesAddress } from './advertise.ts'
export { readFeeds } from './read-feeds.ts'
export { CONFIG_ROLES } from './schema.ts'
export { type ConfigSources, loadConfig, operatorOf } from './load.ts'
export { describeConfig } from './describe.ts'
export { jsonSchemaOf, expectation, type SchemaNode } from './json-schema.ts'
export { Secret } from './secret.ts'
export type { SecretSource } from './secrets.ts'
export { type Setting, settingsOf } from './settings.ts'
export { PROCESS_ROLES, type ProcessRole, type RoleConfigs, splitAllConfig } from './split.ts'
