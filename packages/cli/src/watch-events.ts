// What happened between two states of a workload: contexts and failures in, one event for each thing that changed out.
import type { EphemosError } from 'ephemos/errors';
import type { X509Bundle, X509BundleSet, X509Svid } from 'ephemos/spiffe';
import type { WatchEvent, X509Context } from 'ephemos/workload-api';

/** Something that a workload may want to know. */
export type Change =
  | { readonly type: 'issued' | 'rotated' | 'removed'; readonly svid: X509Svid }
  | { readonly type: 'bundle-added' | 'bundle-removed'; readonly bundle: X509Bundle }
  | { readonly type: 'bundle-changed'; readonly bundle: X509Bundle; readonly added: number; readonly removed: number }
  | { readonly type: 'withdrawn' | 'refused' | 'update-refused' | 'agent-lost'; readonly error: EphemosError }
  | { readonly type: 'agent-back' };

/** Turns the events of a watch into changes. It remembers the last state. */
export function createChangeReader(): (event: WatchEvent<X509Context>) => readonly Change[] {
  let svids: readonly X509Svid[] = [];
  let bundles: X509BundleSet | undefined;
  let trouble: EphemosError | undefined;

  function update(next: X509Context): readonly Change[] {
    const back: readonly Change[] = trouble?.code === 'ERR_WORKLOAD_API_UNAVAILABLE' ? [{ type: 'agent-back' }] : [];
    const changes = [...back, ...svidChanges(svids, next.svids), ...bundleChanges(bundles, next.bundles)];
    trouble = undefined;
    ({ svids, bundles } = next);
    return changes;
  }

  function failure(error: EphemosError): readonly Change[] {
    // A watch that retries says the same thing again and again.
    if (trouble?.code === error.code && trouble.message === error.message) return [];
    trouble = error;
    if (error.code === 'ERR_WORKLOAD_API_RESPONSE_INVALID') return [{ type: 'update-refused', error }];
    if (error.code !== 'ERR_WORKLOAD_API_PERMISSION_DENIED') return [{ type: 'agent-lost', error }];
    const held = svids.length > 0;
    svids = [];
    return [{ type: held ? 'withdrawn' : 'refused', error }];
  }

  return (event) => (event.type === 'update' ? update(event.value) : failure(event.error));
}

function svidChanges(before: readonly X509Svid[], after: readonly X509Svid[]): readonly Change[] {
  const sameIdentity = (a: X509Svid) => (b: X509Svid) => a.id.equals(b.id) && a.hint === b.hint;
  const changes = after.flatMap((svid): readonly Change[] => {
    if (before.some((old) => old.equals(svid))) return [];
    return [{ type: before.some(sameIdentity(svid)) ? 'rotated' : 'issued', svid }];
  });
  const removed = before.filter((old) => !after.some(sameIdentity(old))).map((svid): Change => ({ type: 'removed', svid }));
  return [...changes, ...removed];
}

function bundleChanges(before: X509BundleSet | undefined, after: X509BundleSet): readonly Change[] {
  const changes = [...after].flatMap((bundle): readonly Change[] => {
    const old = before?.get(bundle.trustDomain);
    if (old === undefined) return [{ type: 'bundle-added', bundle }];
    return old.equals(bundle)
      ? []
      : [{ type: 'bundle-changed', bundle, added: countMissing(bundle, old), removed: countMissing(old, bundle) }];
  });
  const removed = [...(before ?? [])]
    .filter(({ trustDomain }) => after.get(trustDomain) === undefined)
    .map((bundle): Change => ({ type: 'bundle-removed', bundle }));
  return [...changes, ...removed];
}

/** How many authorities of `bundle` are not in `other`. */
function countMissing(bundle: X509Bundle, other: X509Bundle): number {
  return bundle.authorities.filter((authority) => !other.authorities.some((known) => known.equals(authority))).length;
}
