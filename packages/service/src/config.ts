// '@ephemos/service/config': what a configuration and its policy say, without a service to run.
export type { Address } from './config/address.ts';
export type {
  Config,
  HealthConfig,
  KeepaliveConfig,
  LimitsConfig,
  ListenConfig,
  LogLevel,
  LogsConfig,
  MetricsConfig,
  PolicyConfig,
  ServiceConfig,
  ShutdownConfig,
  SocketConfig,
  SocketOrigin,
} from './config/config.ts';
export { DEFAULT_CONFIG_PATH } from './config/defaults.ts';
export { byPlace, type ConfigDocument, openDocument } from './config/document.ts';
export { type EffectiveSetting, effectiveSettings, type ValuePlace } from './config/effective-settings.ts';
export type { Environment } from './config/environment.ts';
export { parseGoDuration } from './config/go-duration.ts';
export { configJsonSchema, type JsonSchema } from './config/json-schema.ts';
export { configPath, type LoadOptions, loadConfig } from './config/load-config.ts';
export { isMountedPath } from './config/mounted-path.ts';
export type { PolicyCheck } from './config/policy-rules.ts';
export { ConfigError, type ConfigProblem, describeValue, formatProblem, type KeyPath, type KeyProblem } from './config/problem.ts';
export { notForProduction, type ProductionFinding, type ProductionOptions, productionFindings } from './config/production.ts';
export { listSettings, type Setting, type SettingType } from './config/settings.ts';
export type { ConfigFile } from './config/source-file.ts';
export { type ConfigWatch, type ReloadResult, type WatchConfigOptions, watchConfig } from './config/watch-config.ts';
export { type LocatedPolicy, locatePolicy, locatePolicyFile } from './policy/locate-policy.ts';
export { CLIENTS_RULE, checkRules, readPolicy } from './policy/read-policy.ts';
