// What one rotation costs the event loop: message bytes in, the new SVID ready on a listener and a client, with 1 and 1,000 federated bundles.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createTestAuthority } from '@ephemos/dev';
import { authorizeMemberOf, createServer, openX509Source } from 'ephemos';
import { parseX509Context, X509SVIDResponseSchema } from 'ephemos/workload-api';
import { createConnector } from '../packages/ephemos/dist/tls/connect.js';
import { secureContextOf } from '../packages/ephemos/dist/tls/secure-context.js';
import { median } from './lib/statistics.js';

const BUNDLES = [0, 1000];

export async function benchRotation({ rounds, report }) {
  const perBundles = new Map();
  for (const bundles of BUNDLES) perBundles.set(bundles, await openCase(bundles));
  const costs = new Map(BUNDLES.map((bundles) => [bundles, []]));
  // Interleaved, and the first ones only warm up.
  for (let i = -20; i < rounds * 20; i++) {
    for (const bundles of BUNDLES) {
      const cost = await perBundles.get(bundles).rotate(i);
      if (i >= 0) costs.get(bundles).push(cost);
    }
  }
  for (const { close } of perBundles.values()) await close();
  const [few, many] = BUNDLES.map((bundles) => median(costs.get(bundles)));
  report({ name: 'a rotation, server and client, no federated bundle', unit: 'ms', ours: few, target: { most: 2 } });
  report({ name: 'a rotation, server and client, 1,000 federated bundles', unit: 'ms', ours: many, target: { most: 2 } });
  report({ name: 'a rotation, 1,000 federated bundles / none', unit: 'ms', ours: many, stock: few, ratio: many / few });
}

async function openCase(federated) {
  const authority = createTestAuthority('bench.example', { intermediate: true });
  const bundle = Buffer.concat(await authority.bundleDer());
  const federatedBundles = {};
  // One certificate serves all: what counts is how many there are and how large.
  for (let i = 0; i < federated; i++) federatedBundles[`spiffe://td${i}.example`] = bundle;
  const messages = [];
  for (let i = 0; i < 8; i++) {
    const { chain, privateKey } = await authority.issueX509Svid('spiffe://bench.example/service');
    const svid = { spiffeId: 'spiffe://bench.example/service', x509Svid: Buffer.concat(chain), x509SvidKey: privateKey, bundle, hint: '' };
    messages.push(toBinary(X509SVIDResponseSchema, create(X509SVIDResponseSchema, { svids: [svid], federatedBundles })));
  }
  let push;
  let previous;
  const read = (bytes) => {
    previous = parseX509Context(fromBinary(X509SVIDResponseSchema, bytes), previous);
    return { type: 'update', value: previous };
  };
  const client = {
    async *watchX509Contexts({ signal }) {
      yield read(messages[0]);
      while (!signal.aborted) yield read(await new Promise((resolve) => (push = resolve)));
    },
    async close() {
      push?.(messages[0]);
    },
  };
  const source = await openX509Source({ client });
  const options = { source, authorize: authorizeMemberOf('bench.example') };
  const server = createServer(options);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connector = createConnector(options);
  return {
    async rotate(index) {
      const rotated = new Promise((resolve) => {
        const unsubscribe = source.subscribe(() => {
          unsubscribe();
          resolve();
        });
      });
      const startedAt = performance.now();
      push(messages[(index + 24) % messages.length]);
      await rotated;
      // What the first connection after a rotation would pay.
      secureContextOf(source.svid, 'TLSv1.3');
      return performance.now() - startedAt;
    },
    async close() {
      connector.close();
      server.close();
      await source.close();
    },
  };
}
