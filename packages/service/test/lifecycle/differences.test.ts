import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { restartNeeded } from '../../src/lifecycle/differences.ts';
import { configFile, minimal } from '../config/files.ts';

const load = (text: string) => loadConfig({ path: configFile(text), env: {} });

describe('restartNeeded', () => {
  it('names nothing for the same configuration, and for what a reload takes over', () => {
    expect(restartNeeded(load(minimal), load(minimal))).toEqual([]);
    const rules = `${minimal}policy: { rules: [] }\n`;
    const clients = `${minimal}  authorized_clients: [spiffe://acme.com/a]\n  trusted_servers: [spiffe://acme.com/b]\n`;
    expect(restartNeeded(load(minimal), load(rules))).toEqual([]);
    expect(restartNeeded(load(minimal), load(clients))).toEqual([]);
  });

  it.each([
    ['service.name, and the SPIFFE ID with it', minimal.replace('web', 'shop'), ['service.name', 'service.spiffeId']],
    ['listen.address', `${minimal}listen: { address: ":9443" }\n`, ['listen.address']],
    ['limits.maxConnections', `${minimal}limits: { max_connections: 5 }\n`, ['limits.maxConnections']],
    ['shutdown.drainDelay', `${minimal}shutdown: { drain_delay: 1s }\n`, ['shutdown.drainDelay']],
    ['logs.level', `${minimal}logs: { level: warn }\n`, ['logs.level']],
  ])('names %s', (_what, text, keys) => {
    expect(restartNeeded(load(minimal), load(text))).toEqual(keys);
  });
});
