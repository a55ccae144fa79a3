// The identity as metrics: how long our SVID and the bundles still last, and how often they were replaced.
import { Certificate, type X509Bundle, type X509Svid } from 'ephemos/spiffe';
import type { MetricSet, Sample } from './metric-set.ts';
import { heldSvid, type MetricsSource, type SourceMetrics, shownBundles } from './metrics-source.ts';

/** Adds the metrics of SVID and bundles. */
export function addIdentityMetrics(set: MetricSet): SourceMetrics {
  let source: MetricsSource | undefined;
  const rotations = createRotations();
  const updates = createBundleUpdates();

  function* ofSvid(read: (svid: X509Svid) => number): Generator<Sample<never>, void, undefined> {
    const svid = heldSvid(source);
    if (svid !== undefined) yield [read(svid), {}];
  }

  set.gauge(
    {
      name: 'ephemos_certificate_expiry_seconds',
      help: 'Seconds until the current SVID expires, negative once it has; for alerts use the timestamp.',
    },
    () => ofSvid(({ notAfter }) => (notAfter - Date.now()) / 1000),
  );
  set.gauge({ name: 'ephemos_svid_not_after_timestamp_seconds', help: 'When the current SVID expires, as a Unix time.' }, () =>
    ofSvid(({ notAfter }) => notAfter / 1000),
  );
  set.gauge({ name: 'ephemos_svid_not_before_timestamp_seconds', help: 'From when on the current SVID is valid, as a Unix time.' }, () =>
    ofSvid(({ notBefore }) => notBefore / 1000),
  );
  set.gauge({ name: 'ephemos_svid_info', help: 'The current SVID; always 1.', labels: ['spiffe_id', 'trust_domain', 'key_type'] }, () => {
    const svid = heldSvid(source);
    return svid === undefined
      ? []
      : [[1, { spiffe_id: svid.id.toString(), trust_domain: svid.id.trustDomain.name, key_type: keyTypeOf(svid) }]];
  });
  set.counter({ name: 'ephemos_svid_rotations_total', help: 'How often the SVID was replaced by another one.' }, () => [
    [rotations.count, {}],
  ]);
  set.gauge(
    { name: 'ephemos_svid_last_rotation_timestamp_seconds', help: 'When the current SVID was first used here, as a Unix time.' },
    () => (rotations.last === undefined ? [] : [[rotations.last / 1000, {}]]),
  );
  set.gauge(
    { name: 'ephemos_trust_bundle_authorities', help: 'Certificates in the bundle of a trust domain.', labels: ['trust_domain'] },
    () => ofBundles(source, ({ size }) => size),
  );
  set.gauge(
    {
      name: 'ephemos_trust_bundle_not_after_timestamp_seconds',
      help: 'When the last authority in the bundle of a trust domain expires, as a Unix time.',
      labels: ['trust_domain'],
    },
    () => ofBundles(source, latestEnd),
  );
  set.counter(
    { name: 'ephemos_trust_bundle_updates_total', help: 'How often the bundle of a trust domain has changed.', labels: ['trust_domain'] },
    () => updates.samples(),
  );

  return {
    follow(next) {
      source = next;
      const onChange = (): void => {
        rotations.see(heldSvid(next));
        if (next.health.state !== 'closed') updates.see(shownBundles(next));
      };
      onChange();
      return next.subscribe(onChange);
    },
    close: () => undefined,
  };
}

function* ofBundles(
  source: MetricsSource | undefined,
  read: (bundle: X509Bundle) => number | undefined,
): Generator<Sample<'trust_domain'>, void, undefined> {
  for (const [name, bundle] of shownBundles(source)) {
    const value = read(bundle);
    if (value !== undefined) yield [value, { trust_domain: name }];
  }
}

// Read anew for every scrape of a thousand trust domains, so not with a list of dates for each.
function latestEnd({ authorities }: X509Bundle): number | undefined {
  if (authorities.length === 0) return undefined;
  return authorities.reduce((latest, { notAfter }) => Math.max(latest, notAfter), 0) / 1000;
}

interface Rotations {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly last: number | undefined;
  see(svid: X509Svid | undefined): void;
}

// The first SVID is no rotation. One that comes after a withdrawal is, unless it is the old one.
function createRotations(): Rotations {
  let seen: X509Svid | undefined;
  let count = 0;
  let last: number | undefined;
  return {
    get count() {
      return count;
    },
    get last() {
      return last;
    },
    see(svid) {
      if (svid === undefined || seen?.equals(svid) === true) return;
      if (seen !== undefined) count += 1;
      seen = svid;
      last = Date.now();
    },
  };
}

interface BundleUpdates {
  samples(): Generator<Sample<'trust_domain'>, void, undefined>;
  see(bundles: Iterable<readonly [string, X509Bundle]>): void;
}

// Trust domains that are no longer federated lose their series.
function createBundleUpdates(): BundleUpdates {
  let seen = new Map<string, { readonly bundle: X509Bundle; readonly updates: number }>();
  return {
    *samples() {
      for (const [name, { updates }] of seen) yield [updates, { trust_domain: name }];
    },
    see(bundles) {
      const now = new Map<string, { readonly bundle: X509Bundle; readonly updates: number }>();
      for (const [name, bundle] of bundles) {
        const before = seen.get(name);
        const changed = before !== undefined && !before.bundle.equals(bundle);
        now.set(name, { bundle, updates: (before?.updates ?? 0) + (changed ? 1 : 0) });
      }
      seen = now;
    },
  };
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'p256', secp384r1: 'p384', secp521r1: 'p521' };

// From the certificate: nothing here needs the private key.
function keyTypeOf({ chain: [leaf] }: X509Svid): string {
  if (leaf === undefined) return 'unknown';
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: { namedCurve, modulusLength } = {} } =
    Certificate.parse(leaf).publicKey;
  if (namedCurve !== undefined) return `${type}-${CURVES[namedCurve] ?? namedCurve}`;
  return modulusLength === undefined ? type : `${type}-${modulusLength}`;
}
