import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { type ConfigWatch, SETTLE_MS, type WatchConfigOptions, watchConfig } from '../../src/config/watch-config.ts';
import { configFile, minimal, temporaryDirectory } from './files.ts';

const named = (name: string): string => minimal.replace('web', name);

/** What a watch tells: the name of the service for a configuration, the message for an error. */
interface Told {
  readonly watch: ConfigWatch;
  /** The next thing that is told, waited for. */
  next(): Promise<string>;
  /** What was told and not waited for yet. */
  readonly untaken: readonly string[];
  stop(): void;
}

// So seldom that what is told without it was an event of the file system.
const NEVER = 3_600;

function follow(path: string, options: Partial<WatchConfigOptions> = {}): Told {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const untaken: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  const tell = (text: string): void => {
    const waiter = waiting.shift();
    if (waiter === undefined) untaken.push(text);
    else waiter(text);
  };
  const following = watchConfig(path, {
    signal: stop.signal,
    pollSeconds: NEVER,
    env: {},
    onChange: (config: Config) => tell(config.service.name),
    onError: (error) => tell(error instanceof ConfigError ? error.message.replace(`${dirname(path)}/`, '') : String(error)),
    ...options,
  });
  const next = (): Promise<string> => {
    const text = untaken.shift();
    return text === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(text);
  };
  return { watch: following, next, untaken, stop: () => stop.abort() };
}

/** A ConfigMap as the kubelet mounts it: config.yaml -> ..data/config.yaml, ..data -> a directory with a time stamp. */
function configMap(text: string): { readonly path: string; swap(text: string): void } {
  const directory = temporaryDirectory();
  let version = 0;
  const write = (content: string): string => {
    version += 1;
    const name = `..2026_01_01_00_00_0${version}.1`;
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'config.yaml'), content);
    return name;
  };
  symlinkSync(write(text), join(directory, '..data'));
  symlinkSync(join('..data', 'config.yaml'), join(directory, 'config.yaml'));
  return {
    path: join(directory, 'config.yaml'),
    // As AtomicWriter does it: a new link is renamed over the old one, then the old directory goes.
    swap(content) {
      const name = write(content);
      symlinkSync(name, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
      rmSync(join(directory, `..2026_01_01_00_00_0${version - 1}.1`), { recursive: true });
    },
  };
}

describe('watchConfig', () => {
  test('sees that the kubelet swapped a ConfigMap, again and again', async () => {
    const { path, swap } = configMap(named('one'));
    const { next } = follow(path);
    swap(named('two'));
    expect(await next()).toBe('two');
    swap(named('three'));
    expect(await next()).toBe('three');
    swap('service: {}\n');
    expect(await next()).toMatch(/^config.yaml:1:1: service.name: this key is missing/);
    swap(named('four'));
    expect(await next()).toBe('four');
  });

  test('sees that an editor put a new file in place of the old one', async () => {
    const path = configFile(named('one'));
    const { next } = follow(path);
    for (const name of ['two', 'three']) {
      writeFileSync(`${path}.new`, named(name));
      renameSync(path, `${path}~`);
      renameSync(`${path}.new`, path);
      expect(await next()).toBe(name);
    }
  });

  test('keeps what was good while a file is half-written, and takes it when it is whole', async () => {
    const path = configFile(named('one'));
    const { next, untaken } = follow(path);
    writeFileSync(path, '');
    expect(await next()).toBe('config.yaml: the file is empty; name another file with EPHEMOS_CONFIG_PATH');
    writeFileSync(path, 'service:\n  name: two\n  dom');
    expect(await next()).toMatch(/^config.yaml:3:3: this is not valid YAML/);
    writeFileSync(path, named('two'));
    expect(await next()).toBe('two');
    expect(untaken).toEqual([]);
  });

  test('does not look between truncating and writing', async () => {
    const path = configFile(named('one'));
    const { next, untaken } = follow(path);
    writeFileSync(path, '');
    writeFileSync(path, named('two'));
    expect(await next()).toBe('two');
    expect(untaken).toEqual([]);
  });

  test('takes a file only when it is the same in two looks: half of a file can be valid too', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const path = configFile(named('one'));
    const { untaken } = follow(path);
    const events = watch(dirname(path));
    onTestFinished(() => events.close());
    const write = async (text: string): Promise<void> => {
      const told = once(events, 'change');
      writeFileSync(path, text);
      await told;
      await setImmediate();
    };
    await write(named('half'));
    vi.advanceTimersByTime(SETTLE_MS);
    await write(named('whole'));
    while (untaken.length === 0) {
      vi.advanceTimersByTime(SETTLE_MS);
      await setImmediate();
    }
    expect(untaken).toEqual(['whole']);
  });

  test('says once that the file was deleted, and takes the one that is made again', async () => {
    const path = configFile(named('one'));
    const { next } = follow(path);
    unlinkSync(path);
    expect(await next()).toMatch(/^config.yaml: there is no such file/);
    writeFileSync(path, named('two'));
    expect(await next()).toBe('two');
  });

  test('follows a directory that is deleted and made again', async () => {
    const directory = join(temporaryDirectory(), 'etc');
    const path = join(directory, 'config.yaml');
    mkdirSync(directory);
    writeFileSync(path, named('one'));
    const { next } = follow(path, { pollSeconds: 0.05 });
    rmSync(directory, { recursive: true });
    expect(await next()).toMatch(/there is no such file/);
    mkdirSync(directory);
    writeFileSync(path, named('two'));
    expect(await next()).toBe('two');
    writeFileSync(path, named('three'));
    expect(await next()).toBe('three');
  });

  test('polls for what no event tells: a change behind a symbolic link', async () => {
    const [directory, elsewhere] = [temporaryDirectory(), configFile(named('one'))];
    const path = join(directory, 'config.yaml');
    symlinkSync(elsewhere, path);
    const { next } = follow(path, { pollSeconds: 0.05 });
    writeFileSync(elsewhere, named('two'));
    expect(await next()).toBe('two');
  });

  test('tells again of a file that is mended to what it was', async () => {
    const path = configFile(named('one'));
    const { next } = follow(path);
    writeFileSync(path, 'x');
    expect(await next()).toMatch(/^config.yaml:1:1: /);
    writeFileSync(path, named('one'));
    expect(await next()).toBe('one');
  });

  test('says nothing when the same bytes are written, or the file is only touched', async () => {
    const path = configFile(named('one'));
    const { next, untaken } = follow(path);
    writeFileSync(path, named('one'));
    utimesSync(path, new Date(), new Date());
    writeFileSync(join(dirname(path), 'other.yaml'), 'x');
    writeFileSync(path, named('two'));
    expect(await next()).toBe('two');
    expect(untaken).toEqual([]);
  });

  test('takes what changed between loading and watching', async () => {
    const path = configFile(named('one'));
    const current = loadConfig({ path, env: {} });
    writeFileSync(path, named('two'));
    const { next } = follow(path, { current });
    expect(await next()).toBe('two');
  });

  test('reloads at once when it is told to, and says what became of it', async () => {
    const path = configFile(named('one'));
    const { watch, untaken } = follow(path);
    expect(watch.reload()).toBe('unchanged');
    writeFileSync(path, named('two'));
    expect(watch.reload()).toBe('changed');
    writeFileSync(path, '');
    expect(watch.reload()).toBe('invalid');
    expect(watch.reload()).toBe('invalid');
    writeFileSync(path, named('two'));
    expect(watch.reload()).toBe('changed');
    expect(watch.reload()).toBe('unchanged');
    expect(untaken).toHaveLength(4);
  });

  test('follows the policy file too, the one that is named later as well', async () => {
    const path = configFile(`${named('one')}policy:\n  file: a.yaml\n`);
    const [a, b] = [join(dirname(path), 'a.yaml'), join(dirname(path), 'b', 'b.yaml')];
    mkdirSync(dirname(b));
    writeFileSync(a, 'rules: []\n');
    const current = loadConfig({ path, env: {} });
    const { next } = follow(path, { current, onChange: (config) => told(JSON.stringify(config.policy?.rules)) });
    const changes: string[] = [];
    const waiting: (() => void)[] = [];
    function told(text: string): void {
      changes.push(text);
      waiting.shift()?.();
    }
    const change = async (): Promise<string> => {
      if (changes.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      return changes.shift() ?? '';
    };
    writeFileSync(a, 'rules: [1]\n');
    expect(await change()).toBe('[1]');
    writeFileSync(path, `${named('one')}policy:\n  file: b/b.yaml\n`);
    expect(await next()).toMatch(/b\.yaml: there is no such file/);
    writeFileSync(b, 'rules: [2]\n');
    expect(await change()).toBe('[2]');
  });

  test('hands what onChange throws to onError, and goes on', async () => {
    const path = configFile(named('one'));
    const failure = new Error('cannot be applied');
    const { next, watch } = follow(path, {
      onChange: () => {
        throw failure;
      },
    });
    writeFileSync(path, named('two'));
    expect(await next()).toBe('Error: cannot be applied');
    expect(watch.reload()).toBe('invalid');
    expect(await next()).toBe('Error: cannot be applied');
  });

  test('ends with its signal', async () => {
    const path = configFile(named('one'));
    const { watch, stop, untaken } = follow(path, { pollSeconds: 0.01 });
    stop();
    writeFileSync(path, named('two'));
    expect(watch.reload()).toBe('unchanged');
    const other = follow(path);
    writeFileSync(path, named('three'));
    expect(await other.next()).toBe('three');
    expect(untaken).toEqual([]);
  });

  test.each([0, -1, Number.NaN, 3_601])('refuses to look every %d seconds', (pollSeconds) => {
    expect(() => follow(configFile(minimal), { pollSeconds })).toThrow('pollSeconds must be more than 0 and at most 3600');
  });
});
