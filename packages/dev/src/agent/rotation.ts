// Rotates SVIDs by itself: each at half its life, give or take a tenth.
import type { Identity } from '../registry/entry.ts';
import type { Registry } from '../registry/registry.ts';

/** How far a rotation may be from half-life, as a part of it. */
const jitter = 0.1;

/** Longest wait of a timer, in milliseconds; setTimeout takes no more than 2^31 - 1. */
const maxWaitMs = 24 * 3600 * 1000;

/** Rotates until the signal aborts. Keeps no process alive. */
export async function rotateByItself(
  registry: Registry,
  options: { readonly signal: AbortSignal; readonly onError: (error: unknown) => void },
): Promise<void> {
  const { signal, onError } = options;
  const timers = new Map<Identity, NodeJS.Timeout>();

  async function rotate(identity: Identity): Promise<void> {
    try {
      await registry.rotate(identity.entry.id);
    } catch (error) {
      onError(error);
      schedule(identity);
    }
  }

  function schedule(identity: Identity): void {
    const left = identity.svid.expiresAt - Date.now();
    // One that was made expired on demand stays so until it is rotated on demand.
    if (left <= 0 || signal.aborted) return;
    const wait = (left / 2) * (1 - jitter + 2 * jitter * Math.random());
    const timer = setTimeout(() => void rotate(identity), Math.min(wait, maxWaitMs));
    timer.unref();
    timers.set(identity, timer);
  }

  for await (const { identities } of registry.state.watch(signal)) {
    for (const [identity, timer] of timers) {
      if (identities.includes(identity)) continue;
      clearTimeout(timer);
      timers.delete(identity);
    }
    for (const identity of identities) if (!timers.has(identity)) schedule(identity);
  }
  for (const timer of timers.values()) clearTimeout(timer);
}
