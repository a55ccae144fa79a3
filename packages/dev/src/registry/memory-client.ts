// Turns what one caller sees of a registry into what a Workload API client reports, with no socket between.
import { EphemosError, isEphemosError } from 'ephemos/errors';
import { parseX509Context, type WatchEvent, type WorkloadApiClient, type X509Context } from 'ephemos/workload-api';
import { type Entry, entryKey } from './entry.ts';
import type { Registry, Snapshot } from './registry.ts';
import { type View, watchViews } from './view.ts';
import { createX509SvidResponse } from './x509-response.ts';

/** A client that is served one entry. */
export function createMemoryClient(registry: Registry, entry: Entry): Pick<WorkloadApiClient, 'watchX509Contexts'> {
  const key = entryKey(entry);
  const identitiesOf = ({ identities }: Snapshot) => identities.filter((identity) => entryKey(identity.entry) === key);
  return {
    async *watchX509Contexts({ signal } = {}) {
      let previous: X509Context | undefined;
      for await (const view of watchViews(registry, { identitiesOf, signal })) {
        const event = readView(view, previous);
        if (event.type === 'update') previous = event.value;
        yield event;
      }
    },
  };
}

function readView(view: View, previous: X509Context | undefined): WatchEvent<X509Context> {
  if (view.identities.length === 0) {
    return { type: 'error', error: new EphemosError('ERR_WORKLOAD_API_PERMISSION_DENIED', 'no identity issued') };
  }
  try {
    return { type: 'update', value: parseX509Context(createX509SvidResponse(view), previous) };
  } catch (error) {
    if (isEphemosError(error)) return { type: 'error', error, connected: true };
    throw error;
  }
}
