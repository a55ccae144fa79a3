// Names in; compose.yaml out: four containers and a short-lived one, each with what it needs and nothing else.
import { dirname } from 'node:path';
import type { Names } from '../project/names.ts';
import { images, inside, outside, ports, programs, SERVER_HOST, users } from './places.ts';
import { nameOf } from './workloads.ts';

// Whoever made the keys, which are for their owner alone. A stack that was not made by the command has no keys either.
const OWNER = `"\${SPIRE_UID:?run ephemos deploy init}:\${SPIRE_GID:?run ephemos deploy init}"`;

/** Renders the file, for Docker Compose 2 and docker-compose 1.29. */
export function composeYaml(names: Names): string {
  const [server, client] = [nameOf(names, 'server'), nameOf(names, 'client')];
  return `# ${server} and ${client} with the SPIRE that gives them their identities, on one host: docker compose up -d
# Rendered by "ephemos deploy init --target compose", which also makes the keys in private/ and the .env that names their owner.

x-container: &container
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  restart: unless-stopped
  pids_limit: 200
  mem_limit: 256m
  logging:
    driver: json-file
    options: { max-size: 10m, max-file: "3" }

# Whoever owns the keys: .env
x-owner: &owner ${OWNER}

services:
  # Signs identities. Only the agent can reach it, and nothing of it is published.
  ${SERVER_HOST}:
    <<: *container
    image: ${images.server}
    command: [-config, ${inside.serverConf}]
    user: *owner
    networks: [spire]
    volumes:
      - ./spire/server.conf:${inside.serverConf}:ro
      # The upstream authority, and who says which machines may join. Directories, so that a renewed file is seen.
      - ./${outside.upstream}:${inside.upstream}:ro
      - ./${outside.nodes}:${inside.nodes}:ro
      - ./${outside.serverData}:${inside.serverData}
      # nocopy: or the engine gives it to the user of the image.
      - { type: volume, source: spire-server-socket, target: ${dirname(inside.serverSocket)}, volume: { nocopy: true } }
    tmpfs: ["/tmp:mode=1777,size=16m"]
    healthcheck:
      test: [CMD, ${programs.server}, healthcheck, -socketPath, ${inside.serverSocket}]
      interval: 5s
      timeout: 5s
      retries: 6
    stop_grace_period: 30s

  # Registers the services, once. The image holds no shell that could ask first: at every later start SPIRE says AlreadyExists and this ends
  # with 1, which changes nothing and which nobody waits for.
  entries:
    <<: *container
    image: ${images.server}
    entrypoint: [${programs.server}, entry, create]
    command: [-socketPath, ${inside.serverSocket}, -data, ${inside.entries}]
    user: *owner
    # SPIRE's server speaks only with processes that it can see.
    pid: "service:${SERVER_HOST}"
    network_mode: none
    restart: "no"
    volumes:
      - ./entries.json:${inside.entries}:ro
      - { type: volume, source: spire-server-socket, target: ${dirname(inside.serverSocket)}, volume: { nocopy: true } }
    depends_on:
      ${SERVER_HOST}: { condition: service_healthy }

  # Hands identities out. It sees the processes of the host, because it has to see who asks; it needs no right of root for that.
  spire-agent:
    <<: *container
    image: ${images.agent}
    command: [-config, ${inside.agentConf}]
    user: *owner
    pid: host
    networks: [spire]
    volumes:
      - ./spire/agent.conf:${inside.agentConf}:ro
      - ./${outside.node}:${inside.node}:ro
      - ./${outside.agentData}:${inside.agentData}
      - { type: volume, source: spire-agent-socket, target: ${dirname(inside.agentSocket)}, volume: { nocopy: true } }
    tmpfs: ["${dirname(inside.agentAdmin)}:uid=\${SPIRE_UID},gid=\${SPIRE_GID},mode=0700,size=1m"]
    healthcheck:
      test: [CMD, ${programs.agent}, healthcheck, -socketPath, ${inside.agentSocket}]
      interval: 5s
      timeout: 5s
      retries: 6
    depends_on:
      ${SERVER_HOST}: { condition: service_healthy }
      entries: { condition: service_started }

  ${server}:
    <<: *container
    image: \${EPHEMOS_IMAGE:-${images.services}}
    entrypoint: [${programs.node}, ${programs.echo.server}]
    command: [serve]
    # The agent knows it by this user: entries.yaml.
    user: "${users.server}:${users.server}"
    networks: [app]
    # On this host alone. Callers need an identity all the same.
    ports:
      - "127.0.0.1:${ports.calls}:${ports.calls}"
      - "127.0.0.1:${ports.metrics}:${ports.metrics}"
    environment:
      EPHEMOS_CONFIG_PATH: ${inside.config}
      SPIFFE_ENDPOINT_SOCKET: unix://${inside.agentSocket}
      # Below mem_limit, with room for what is not on the heap.
      NODE_OPTIONS: --max-old-space-size=160
    volumes:
      - ./config/${server}.yaml:${inside.config}:ro
      - { type: volume, source: spire-agent-socket, target: ${dirname(inside.agentSocket)}, read_only: true, volume: { nocopy: true } }
    tmpfs: ["/tmp:mode=1777,size=16m"]
    healthcheck:
      test: [CMD, ${programs.node}, ${programs.echo.server}, health]
      interval: 10s
      timeout: 5s
      retries: 6
    # As shutdown.grace_period of its configuration.
    stop_grace_period: 30s
    depends_on:
      spire-agent: { condition: service_healthy }

  # Calls once. Again: docker compose run --rm ${client} hello --server ${server}:${ports.calls}
  ${client}:
    <<: *container
    image: \${EPHEMOS_IMAGE:-${images.services}}
    entrypoint: [${programs.node}, ${programs.echo.client}]
    command: [hello, --server, "${server}:${ports.calls}"]
    user: "${users.client}:${users.client}"
    networks: [app]
    restart: "no"
    environment:
      EPHEMOS_CONFIG_PATH: ${inside.config}
      SPIFFE_ENDPOINT_SOCKET: unix://${inside.agentSocket}
      NODE_OPTIONS: --max-old-space-size=160
    volumes:
      - ./config/${client}.yaml:${inside.config}:ro
      - { type: volume, source: spire-agent-socket, target: ${dirname(inside.agentSocket)}, read_only: true, volume: { nocopy: true } }
    tmpfs: ["/tmp:mode=1777,size=16m"]
    depends_on:
      ${server}: { condition: service_healthy }

networks:
  # No way out of it, and none in.
  spire:
    internal: true
  app: {}

# Sockets only, in memory: gone with the containers. What has to last is in private/state.
volumes:
  # Whoever has this one administers the trust domain.
  spire-server-socket:
    driver: local
    driver_opts: { type: tmpfs, device: tmpfs, o: "uid=\${SPIRE_UID},gid=\${SPIRE_GID},mode=0700,size=1m" }
  spire-agent-socket:
    driver: local
    driver_opts: { type: tmpfs, device: tmpfs, o: "uid=\${SPIRE_UID},gid=\${SPIRE_GID},mode=0755,size=1m" }
`;
}
