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
  let { bundles } = source;
  return source.subscribe(() => {
    const next = svidOf(source);
    if (next !== svid) {
      svid = next;
      reaction.identity?.(next);
    }
    if (source.bundles !== bundles) {
      ({ bundles } = source);
      reaction.bundles?.(bundles);
    }
  });
}

/** The current SVID, or undefined when the source has none to present. */
export function svidOf(source: X509Source): X509Svid | undefined {
  try {
    return source.svid;
  } catch (error) {
    if (isEphemosError(error)) return undefined;
    throw error;
  }
}
