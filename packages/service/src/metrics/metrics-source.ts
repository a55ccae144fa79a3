// What metrics ask of a source, and its answers where a source throws.
import type { X509Source } from 'ephemos';
import type { X509Bundle, X509Svid } from 'ephemos/spiffe';

/** A source, or whatever can say as much. */
export type MetricsSource = Pick<X509Source, 'svid' | 'svids' | 'bundles' | 'health' | 'subscribe'>;

/** Metrics of whichever source is followed. */
export interface SourceMetrics {
  /** Shows this source from now on, and no other. Returns the way to stop counting; what was seen stays. */
  follow(source: MetricsSource): () => void;
  /** Stops listening to channels. */
  close(): void;
}

/** Most trust domains that have series of their own, in the order of the Workload API: our own comes first. */
export const MAX_SHOWN_TRUST_DOMAINS = 1000;

/** The SVID that the source uses, expired or not; `undefined` when there is none. */
export function heldSvid(source: MetricsSource | undefined): X509Svid | undefined {
  if (source === undefined) return undefined;
  const { state, expiresAt } = source.health;
  if (state !== 'ready' && state !== 'expired') return undefined;
  try {
    return source.svid;
  } catch {
    // It does not hand out an expired one, and that is the one whose metrics matter.
    return source.svids.find(({ notAfter }) => notAfter === expiresAt);
  }
}

/** The bundles that are shown, by the name of their trust domain. */
export function* shownBundles(source: MetricsSource | undefined): Generator<readonly [string, X509Bundle], void, undefined> {
  if (source === undefined || source.health.state === 'closed') return;
  let left = MAX_SHOWN_TRUST_DOMAINS;
  for (const bundle of source.bundles) {
    if (left === 0) return;
    left -= 1;
    yield [bundle.trustDomain.name, bundle];
  }
}
