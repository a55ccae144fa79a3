import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { effectiveSettings } from '../../src/config/effective-settings.ts';
import { type LoadOptions, loadConfig } from '../../src/config/load-config.ts';
import { formatPath } from '../../src/config/problem.ts';
import { listSettings } from '../../src/config/settings.ts';
import { configFile, minimal } from './files.ts';

function settingsOf(options: LoadOptions) {
  const all = effectiveSettings(loadConfig(options), options);
  return (key: string) => {
    const found = all.find((each) => each.key === key);
    if (found === undefined) throw new Error(`no ${key}`);
    const { file, line, column, variable } = found.place;
    return { value: found.value, place: variable ?? (file === undefined ? 'default' : `${file}:${line}:${column}`) };
  };
}

describe('effectiveSettings', () => {
  test('has every key, in the order of the schema', () => {
    const options = { path: configFile(minimal), env: {} };
    const keys = effectiveSettings(loadConfig(options), options).map(({ key }) => key);
    expect(keys).toEqual(listSettings().map(({ path }) => formatPath(path)));
  });

  test('tells what a file, a variable and a default set', () => {
    const path = configFile(`${minimal}limits:\n  max_connections: 5\nlogs:\n  level: warn\n`);
    const setting = settingsOf({ path, env: { EPHEMOS_LOG_LEVEL: 'error' } });
    expect(setting('limits.max_connections')).toEqual({ value: 5, place: `${path}:5:3` });
    expect(setting('logs.level')).toEqual({ value: 'error', place: 'EPHEMOS_LOG_LEVEL' });
    expect(setting('shutdown.deadline')).toEqual({ value: '20s', place: 'default' });
    expect(setting('service.trusted_servers')).toEqual({ value: undefined, place: 'default' });
  });

  test('tells the SPIFFE ID that follows from name and domain', () => {
    expect(settingsOf({ path: configFile(minimal), env: {} })('service.spiffe_id')).toEqual({
      value: 'spiffe://acme.com/web',
      place: 'default',
    });
  });

  test('tells which of the places that name the socket holds', () => {
    const path = configFile(`${minimal}agent:\n  socketPath: /run/a.sock\n`);
    expect(settingsOf({ path, env: {} })('agent.socketPath')).toEqual({ value: 'unix:///run/a.sock', place: `${path}:5:3` });
    expect(settingsOf({ path, env: { EPHEMOS_AGENT_SOCKET: '/run/b.sock' } })('agent.socketPath')).toEqual({
      value: 'unix:///run/b.sock',
      place: 'EPHEMOS_AGENT_SOCKET',
    });
    const env = { EPHEMOS_AGENT_SOCKET: '/run/b.sock', SPIFFE_ENDPOINT_SOCKET: 'unix:///run/c.sock' };
    expect(settingsOf({ path, env })('agent.socketPath')).toEqual({ value: 'unix:///run/c.sock', place: 'SPIFFE_ENDPOINT_SOCKET' });
  });

  test('tells which file the rules are from', () => {
    const path = configFile(`${minimal}policy:\n  file: policy.yaml\n`);
    const file = join(dirname(path), 'policy.yaml');
    writeFileSync(file, '# rules\nrules: []\n');
    const setting = settingsOf({ path, env: {} });
    expect(setting('policy.file')).toEqual({ value: 'policy.yaml', place: `${path}:5:3` });
    expect(setting('policy.rules')).toEqual({ value: [], place: `${file}:2:1` });
  });

  test('reads no file when there is none to read', () => {
    const env = { EPHEMOS_SERVICE_NAME: 'web', EPHEMOS_TRUST_DOMAIN: 'acme.com' };
    const setting = settingsOf({ path: false, env });
    expect(setting('service.name')).toEqual({ value: 'web', place: 'EPHEMOS_SERVICE_NAME' });
    expect(setting('listen.address')).toEqual({ value: ':8443', place: 'default' });
  });
});
