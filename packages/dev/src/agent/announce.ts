// Turns the changes of a registry, asked for or by themselves, into events.
import type { Identity } from '../registry/entry.ts';
import type { Registry } from '../registry/registry.ts';
import { sameItems } from '../registry/same-items.ts';
import type { OnDevAgentEvent } from './event.ts';

/** Announces new SVIDs and new authorities until the signal aborts. */
export async function announceChanges(registry: Registry, signal: AbortSignal, onEvent: OnDevAgentEvent): Promise<void> {
  let identities: readonly Identity[] = [];
  let authorities: readonly Uint8Array[] = [];
  for await (const snapshot of registry.state.watch(signal)) {
    const before = authorities;
    authorities = snapshot.authorities;
    if (before.length > 0 && !sameItems(before, authorities)) onEvent({ type: 'authorities-changed', count: authorities.length });
    for (const { entry, svid } of snapshot.identities.filter((identity) => !identities.includes(identity))) {
      onEvent({ type: 'issued', id: entry.id.toString(), expiresAt: new Date(svid.expiresAt) });
    }
    identities = snapshot.identities;
  }
}
