// How durations of calls are told apart.

/** Buckets of calls, in seconds: http-metrics and rpc-metrics of the semantic conventions of OpenTelemetry. */
export const CALL_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
