// The rules over images, Dockerfiles and compose files: each passes what is right, and finds what is not.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { partsOf } from '../../../../src/doctor/static/containers/images.ts';
import { type Texts, verdictOn } from '../../../support/documents.ts';

const image = (name: string): Texts => ({ Dockerfile: `FROM ${name}\nUSER 65532\n` });
const pod = (name: string): Texts => ({
  'pod.yaml': `apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: "${name}" }] }\n`,
});
const dockerfile = (...lines: readonly string[]): Texts => ({ Dockerfile: ['FROM registry.acme.com/node:24', ...lines, ''].join('\n') });
const service = (...lines: readonly string[]): Texts => ({
  'compose.yaml': ['services:', '  echo:', '    image: registry.acme.com/echo:1', ...lines.map((line) => `    ${line}`), ''].join('\n'),
});
const own = (name: string): string => readFileSync(new URL(`../../../../../../deploy/${name}`, import.meta.url), 'utf8');
const stack = (from: string | RegExp, to: string): Texts => ({
  'compose.yaml': own('compose/compose.yaml').replace(from, to),
  'spire/agent.conf': own('compose/spire/agent.conf'),
});

describe('the rules over containers', () => {
  it.each<[what: string, rule: string, texts: Texts, found: readonly string[]]>([
    ['an image by version', 'config.production.images', pod('registry.acme.com/echo:1.0.0'), []],
    ['an image by digest alone', 'config.production.images', pod(`registry.acme.com/echo@sha256:${'0'.repeat(64)}`), []],
    ['a registry with a port', 'config.production.images', pod('localhost:5000/echo:1'), []],
    ['latest', 'config.production.images', pod('registry.acme.com/echo:latest'), ['no-version']],
    ['no tag, and a registry with a port', 'config.production.images', pod('localhost:5000/echo'), ['no-version']],
    ['no registry', 'config.production.images', pod('acme/echo:1'), ['unqualified']],
    ['an image of an example', 'config.production.images', pod('registry.example.com/echo:1'), ['placeholder']],
    ['an image of a registry that is left', 'config.production.images', pod('gcr.io/spiffe-io/spire-agent:1.8.0'), ['retired']],
    ['a base without a tag', 'config.production.images', image('node'), ['no-version']],
    ['a base of Docker Hub', 'config.production.images', image('node:24-bookworm-slim'), []],
    ['nothing at all as a base', 'config.production.images', image('scratch'), []],
    ['a base that the caller names', 'config.production.images', { Dockerfile: 'ARG BASE\nFROM $BASE\n' }, []],
    ['a base that an ARG names', 'config.production.images', { Dockerfile: `ARG BASE=node:latest\nFROM \${BASE}\n` }, ['no-version']],
    ['a stage', 'config.production.images', { Dockerfile: 'FROM node:24 AS build\nFROM build\n' }, []],
    ['a user by number', 'config.production.containers', dockerfile('USER 65532:65532'), []],
    ['no user', 'config.production.containers', dockerfile('ENTRYPOINT ["/a"]'), ['root']],
    ['root in the end', 'config.production.containers', dockerfile('USER 65532', 'USER root'), ['root']],
    ['a user by name', 'config.production.containers', dockerfile('USER node'), ['user-name']],
    ['a program', 'shutdown.graceful.signals', dockerfile('ENTRYPOINT ["/nodejs/bin/node", "a.js"]', 'CMD ["serve"]'), []],
    ['a line for a shell', 'shutdown.graceful.signals', dockerfile('ENTRYPOINT node a.js'), ['shell']],
    ['a line over several lines', 'shutdown.graceful.signals', dockerfile('ENTRYPOINT node \\', '  a.js'), ['shell']],
    ['a shell as a program', 'shutdown.graceful.signals', dockerfile('CMD ["sh", "-c", "node a.js"]'), ['shell']],
    ['a shell that becomes the program', 'shutdown.graceful.signals', dockerfile('CMD ["sh", "-c", "exec node a.js"]'), []],
    ['a list that is no JSON, which Docker takes for a line', 'shutdown.graceful.signals', dockerfile("CMD ['node', 'a.js']"), ['shell']],
    ['arguments behind a program', 'shutdown.graceful.signals', dockerfile('ENTRYPOINT ["/a"]', 'CMD serve'), []],
    ['a health check without a shell', 'health.probes.containers', dockerfile('HEALTHCHECK --interval=5s CMD ["/a", "health"]'), []],
    ['a health check with one', 'health.probes.containers', dockerfile('HEALTHCHECK CMD curl localhost'), ['healthcheck-shell']],
    ['a health check that is turned off', 'health.probes.containers', dockerfile('HEALTHCHECK NONE'), ['no-healthcheck']],
    ['a port of one address', 'network.policy.published', service('ports: ["127.0.0.1:8080:8080"]'), []],
    ['a port of one IPv6 address', 'network.policy.published', service('ports: ["[::1]:8080:8080"]'), []],
    ['a port', 'network.policy.published', service('ports: ["8080:8080"]'), ['all-interfaces']],
    ['a port of 0.0.0.0', 'network.policy.published', service('ports: ["0.0.0.0:8080:8080"]'), ['all-interfaces']],
    ['a port in the long form', 'network.policy.published', service('ports: [{ target: 8080, published: "8080" }]'), ['all-interfaces']],
    [
      'a port of one address in the long form',
      'network.policy.published',
      service('ports: [{ target: 8080, published: "8080", host_ip: 127.0.0.1 }]'),
      [],
    ],
    ['too short a time to end', 'shutdown.graceful.grace', service('environment: [EPHEMOS_CONFIG_PATH=/a]'), ['too-short']],
    ['time to end', 'shutdown.graceful.grace', service('environment: [EPHEMOS_CONFIG_PATH=/a]', 'stop_grace_period: 1m'), []],
    ['our stack', 'spire.reachable.stack', stack('', ''), []],
    [
      'our stack without the processes of the host',
      'spire.reachable.stack',
      stack('pid: host', 'pid: service:echo-server'),
      ['agent-blind'],
    ],
    ['our stack without entries', 'spire.reachable.stack', stack(/entry, create|entries\.json/g, 'a'), ['no-entries']],
    [
      'our stack without the address of the Workload API',
      'spire.reachable.stack',
      stack(/ +SPIFFE_ENDPOINT_SOCKET: .*\n/g, ''),
      ['no-variable', 'no-variable'],
    ],
    [
      'our stack, which may write',
      'config.production.containers',
      stack('read_only: true\n', 'read_only: false\n'),
      Array.from({ length: 5 }, () => 'not-hardened'),
    ],
  ])('%s', async (_, rule, texts, found) => {
    expect((await verdictOn(texts, rule)).found.map((each) => each.split(' ')[0])).toEqual(found);
  });

  it('say where: the line of the instruction', async () => {
    const { found } = await verdictOn(dockerfile('', '# node', 'ENTRYPOINT node a.js'), 'shutdown.graceful.signals');
    expect(found).toEqual(['shell Dockerfile:4']);
  });

  it('skip where there is nothing to look at', async () => {
    expect(await verdictOn({ 'a.yaml': 'resources: { limits: { memory: 1Gi } }' }, 'config.production.images')).toEqual({
      result: 'skip',
      found: [],
    });
  });
});

describe('the name of an image', () => {
  it.each([
    ['echo', undefined, 'echo', undefined],
    ['acme/echo:1', undefined, 'acme/echo', '1'],
    ['a.b/c/d:1', 'a.b', 'c/d', '1'],
    ['localhost:5000/echo', 'localhost:5000', 'echo', undefined],
  ])('%s', (name, registry, path, tag) => {
    expect(partsOf(name)).toEqual({ registry, path, tag, digest: undefined });
  });
});
