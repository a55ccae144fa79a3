// What changes of a source mean to a listener or client: a new identity or its loss, and new bundles.
import { isEphemosError } from '../errors.ts';
import type { X509Source } from '../source/x509-source.ts';
import type { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';

/** What is done on a change; each is called only when its part really changed. */
export interface SourceReaction {
  identity?(svid: X509Svid | undefined): void;
  bundles?(bundles: X509BundleSet): void;
}

/** Follows a source until the returned function is called. The state at the start is not a change. */
export function followSource(source: X509Source, reaction: SourceReaction): () => void {
  let svid = svidOf(source);
  let bundles = bundlesOf(source);
  return source.subscribe(() => {
    const next = svidOf(source);
    if (next !== svid) {
      svid = next;
      reaction.identity?.(next);
    }
    const nextBundles = bundlesOf(source);
    // A source that was closed gives none; what that ends has ended with its identity.
    if (nextBundles !== undefined && nextBundles !== bundles) {
      bundles = nextBundles;
      reaction.bundles?.(bundles);
    }
  });
}

/** The current SVID, or undefined when the source has none to present. */
export function svidOf(source: X509Source): X509Svid | undefined {
  return unlessRefused(() => source.svid);
}

function bundlesOf(source: X509Source): X509BundleSet | undefined {
  return unlessRefused(() => source.bundles);
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isEphemosError(error)) return undefined;
    throw error;
  }
}
