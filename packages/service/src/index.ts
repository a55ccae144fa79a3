// '@ephemos/service': a production process around identity, mTLS and authorization, from one configuration.
export { type ExitCode, exitCodeOf, exitCodes, systemCodeOf } from 'ephemos/errors';
export * from './config.ts';
export type { CheckFunction, CheckOptions } from './health/added-check.ts';
export type { HealthCheck, HealthStatus, ProbeName, ProbeResult } from './health/check.ts';
export type { Health } from './health/health.ts';
export { PROBE_TIMEOUT_MS, type ProbeOptions, probe } from './health/probe.ts';
export { formatFailure } from './lifecycle/format-failure.ts';
export type { AuditFields } from './logs/audit-line.ts';
export { type Audit, type AuditOptions, createAudit } from './logs/create-audit.ts';
export { createLogger, type LoggerOptions } from './logs/create-logger.ts';
export type { Metrics, MetricsOptions } from './metrics/create-metrics.ts';
export type { RouteOf } from './metrics/http-metrics.ts';
export { metricNames } from './metrics/metric-names.ts';
export type { MetricsRegistry } from './metrics/metric-set.ts';
export { openService } from './open-service.ts';
export type { GrpcOptions, HttpOptions, Service, ServiceAddresses, ServiceOptions, UpgradeListener } from './service.ts';
export { openTelemetry } from './telemetry/open-telemetry.ts';
export type { GrpcInterceptor, GrpcModule, Telemetry, TelemetryOptions, TraceIds } from './telemetry/telemetry.ts';
