// A workload that is federated with a thousand trust domains: its handshakes work, and tell nobody with whom it is federated.
import { connect as tcpConnect } from 'node:net';
import { connect } from 'node:tls';
import { authorizeId, createFetch, createServer } from 'ephemos';
import { X509BundleSet } from 'ephemos/spiffe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOf, issueRoot } from '../spiffe/certificates.ts';
import { next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { type Credentials, ORDERS, openWorld, WEB, type World } from './identities.ts';
import { tlsOptionsOf } from './wire.ts';

const FEDERATED = 1_000;

describe.each([false, true])('with an intermediate: %s', (intermediate) => {
  let world: World;
  let alone: X509BundleSet;
  let many: X509BundleSet;
  let web: Credentials;
  beforeAll(async () => {
    world = await openWorld({ intermediate });
    const foreign = await issueRoot({ subject: 'CN=a rather long name that would be seen on the wire' });
    alone = new X509BundleSet([await world.authority.bundle()]);
    many = new X509BundleSet([...alone, ...Array.from({ length: FEDERATED }, (_, index) => bundleOf(`td-${index}.example`, foreign))]);
    web = await world.authority.issueX509Svid(WEB);
  });
  afterAll(() => world.close());

  async function serverWith(bundles: X509BundleSet) {
    return listening(
      createServer({ source: await world.source(ORDERS, bundles), authorize: authorizeId(WEB) }, (_request, response) =>
        response.end('served'),
      ),
    );
  }

  /** Bytes that a client has read at the end of its handshake. */
  async function bytesOfHandshake(bundles: X509BundleSet): Promise<number> {
    await using server = await serverWith(bundles);
    const raw = tcpConnect(server.port, '127.0.0.1');
    const socket = connect({ ...tlsOptionsOf(web), socket: raw, rejectUnauthorized: false });
    await next(socket, 'secureConnect');
    const { bytesRead } = raw;
    socket.destroy();
    return bytesRead;
  }

  it('server and client still know each other', async () => {
    await using server = await serverWith(many);
    const fetch = createFetch({ source: await world.source(WEB, many), authorize: authorizeId(ORDERS) });
    expect(await (await fetch(`${server.origin}/`)).text()).toBe('served');
    await fetch.close();
  });

  it('the server names none of them on the wire', async () => {
    // Two ECDSA signatures differ by a few bytes; one name alone would be more than that.
    const [few, lots] = [await bytesOfHandshake(alone), await bytesOfHandshake(many)];
    expect(Math.abs(lots - few)).toBeLessThan(32);
  });
});
