// What rules and dashboard share: the values that they compare with, and the names of the series that the rules record.

/** Where a value begins to be a problem. */
export const thresholds = {
  /** What an SVID should never come down to, where it lives for an hour (the guide). */
  expiry: '5m',
  /** SPIRE renews at half of the life, give or take a tenth (rotationutil.go). */
  lifeLeft: 0.33,
  /** Seconds of the slowest twentieth (the guide). Measured here: some milliseconds. */
  handshakeSeconds: 1,
  failureRatio: 0.05,
  /** A second. Below it a ratio says nothing. */
  leastRate: 0.1,
  /** A root that is replaced, and the authorities of a few servers. */
  authorities: 6,
  /** Within a quarter of an hour. */
  restarts: 2,
  /** Of the life of an authority: a day of a week. */
  bundleShare: 7,
  /** Of the life of an authority: SPIRE replaces it when a sixth is left (manager.go, activationThresholdDivisor). */
  authorityShare: 12,
} as const;

/** Series of services that the rules record. */
export const SERVICE_SERIES = {
  handshakeP95: 'service_role:ephemos_tls_handshake_duration_seconds:p95_5m',
  handshakes: 'service_role:ephemos_tls_handshakes:rate5m',
  handshakeFailures: 'service_role:ephemos_tls_handshake_failures:rate5m',
  handshakeFailureRatio: 'service_role:ephemos_tls_handshake_failures:ratio_rate5m',
  requests: 'service:ephemos_requests:rate5m',
  requestErrors: 'service:ephemos_request_errors:rate5m',
  requestErrorRatio: 'service:ephemos_request_errors:ratio_rate5m',
} as const;
