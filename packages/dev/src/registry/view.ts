// Turns the snapshots of a registry into what one caller sees of them; what does not concern it is left out.
import type { SpiffeId } from 'ephemos/spiffe';
import type { Identity } from './entry.ts';
import type { Registry, Snapshot } from './registry.ts';
import { sameItems } from './same-items.ts';

/** A snapshot as one caller sees it. Without identities it may see nothing. */
export interface View {
  readonly snapshot: Snapshot;
  readonly identities: readonly Identity[];
}

/** Picks the identities of a caller. */
export type IdentitiesOf = (snapshot: Snapshot) => readonly Identity[];

/** What a reader looks at. */
export interface WatchViewsOptions {
  readonly identitiesOf: IdentitiesOf;
  /** The parts of a view that matter to the reader, compared one by one. Default: SVIDs and bundles. */
  readonly partsOf?: (view: View) => readonly unknown[];
  readonly signal?: AbortSignal | undefined;
}

/** Every view that differs from the one before, the present one first; the newest only when the reader is slow. */
export async function* watchViews(registry: Registry, options: WatchViewsOptions): AsyncGenerator<View, void, undefined> {
  const { identitiesOf, partsOf = svidParts, signal } = options;
  let last: readonly unknown[] | undefined;
  for await (const snapshot of registry.state.watch(signal)) {
    const view: View = { snapshot, identities: identitiesOf(snapshot) };
    const next = [snapshot.fault, snapshot.epoch, ...partsOf(view)];
    if (last && sameItems(last, next)) continue;
    last = next;
    yield view;
  }
}

/** What concerns a reader of SVIDs. */
export function svidParts({ snapshot, identities }: View): readonly unknown[] {
  return [snapshot.authorities, snapshot.federated, ...identities];
}

/** What concerns a reader of bundles: rotated SVIDs do not, but whether it has any does. */
export function bundleParts({ snapshot, identities }: View): readonly unknown[] {
  return [snapshot.authorities, snapshot.federated, identities.length > 0];
}

/** The identities that fit, each pair of ID and hint once, however many entries hold it. */
export function firstOfEach({ identities }: Snapshot, fits: (identity: Identity) => boolean): readonly Identity[] {
  const seen = new Set<string>();
  return identities.filter((identity) => {
    const key = JSON.stringify([identity.entry.id, identity.entry.hint]);
    if (seen.has(key) || !fits(identity)) return false;
    seen.add(key);
    return true;
  });
}

/** The identities of any of these IDs, whoever calls. */
export function identitiesOfIds(ids: readonly SpiffeId[]): IdentitiesOf {
  return (snapshot) => firstOfEach(snapshot, ({ entry }) => ids.some((id) => id.equals(entry.id)));
}
