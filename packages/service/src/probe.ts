// '@ephemos/service/probe': what a container's HEALTHCHECK runs. It loads nothing of the rest, so it starts as fast as Node.js does.
export type { HealthCheck, ProbeName, ProbeResult } from './health/check.ts';
export { dialAddress } from './health/loopback.ts';
export { PROBE_TIMEOUT_MS, type ProbeOptions, probe } from './health/probe.ts';
