// Everything around the container: a development agent whose socket is mounted into it, free ports, and this process as a caller from outside.
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDevAgent } from '@ephemos/dev';
import { authorizeId, openX509Source } from 'ephemos';

const domain = 'spiffe://example.org';
export const ids = { server: `${domain}/echo-server`, client: `${domain}/echo-client`, stranger: `${domain}/stranger` };
const config = (/** @type {string} */ name) => fileURLToPath(new URL(`../../examples/echo/config/${name}.yaml`, import.meta.url));

/** @typedef {Awaited<ReturnType<typeof openWorld>>} World */

/** @param {{ store: string, runtime: import('./containers.js').Runtime }} options */
export async function openWorld({ store, runtime }) {
  const agent = await openDevAgent({ trustDomain: 'example.org', directory: join(store, 'agent') });
  const source = await openX509Source({ endpoint: await agent.endpointFor(ids.client) });

  /**
   * The configuration of the example, and the socket that hands out this identity, at the path that the configuration names.
   * @param {string} id
   * @param {'echo-server' | 'echo-client'} name
   */
  async function mounts(id, name) {
    const path = decodeURIComponent(new URL(await agent.endpointFor(id)).pathname);
    // The agent's sockets are for its own user; whoever mounts one into a container means the user there.
    chmodSync(path, 0o666);
    return [`--volume=${path}:/run/spire/sockets/agent.sock:ro`, `--volume=${config(name)}:/etc/ephemos/config.yaml:ro`];
  }

  return {
    agent,
    source,
    authorize: authorizeId(ids.server),
    /**
     * A server in a container. Without an identity it waits for one.
     * @param {{ group?: import('./cgroup.js').MemoryGroup, identity?: boolean }} [options]
     */
    async startServer({ group, identity = true } = {}) {
      const [listen, health, metrics] = await freePorts(3);
      const address = `127.0.0.1:${listen}`;
      const env = {
        EPHEMOS_BIND_ADDRESS: address,
        EPHEMOS_HEALTH_ADDRESS: `127.0.0.1:${health}`,
        EPHEMOS_METRICS_ADDRESS: `127.0.0.1:${metrics}`,
        EPHEMOS_SHUTDOWN_DRAIN_DELAY: '1s',
      };
      const settings = Object.entries(env).map(([name, value]) => `--env=${name}=${value}`);
      const words = [...settings, ...(await mounts(ids.server, 'echo-server'))];
      if (!identity) await agent.remove(ids.server);
      const container = await runtime.start(words, [], group);
      return { ...container, address };
    },
    /**
     * A client of the same image, as another user.
     * @param {string} id
     * @param {readonly string[]} args
     */
    async runClient(id, args) {
      const entry = ['--entrypoint=/nodejs/bin/node', '--user=20002:20002', '--env', `EPHEMOS_SERVICE_NAME=${id.slice(domain.length + 1)}`];
      return runtime.once([...entry, ...(await mounts(id, 'echo-client'))], ['/app/examples/echo/dist/echo-client.js', ...args]);
    },
    async close() {
      await source.close();
      await agent.close();
    },
  };
}

/** @param {number} count */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  return Promise.all(
    servers.map(async (server) => {
      await new Promise((resolve) => server.once('listening', resolve));
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}

/** Fits the line of a log that begins so. @param {string} msg */
export const says = (msg) => (/** @type {import('./containers.js').LogLine} */ line) =>
  typeof line['msg'] === 'string' && line['msg'].startsWith(msg);
