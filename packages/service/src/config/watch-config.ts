// A configuration that is followed: changes of its files in, whole configurations or the reason why not out.
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import type { Config } from './config.ts';
import { type LoadOptions, loadConfig } from './load-config.ts';
import { ConfigError } from './problem.ts';
import { type ConfigFile, stateOf } from './source-file.ts';

/** A change is taken when the files are the same twice in a row, this many milliseconds apart: whoever writes them may still be at it. */
export const SETTLE_MS = 100;

/** The longest time between two looks, in seconds. */
export const MAX_POLL_SECONDS = 3_600;

/** What {@link watchConfig} takes besides what a configuration is loaded with. */
export interface WatchConfigOptions extends Omit<LoadOptions, 'path'> {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** The configuration in use: what changed between loading it and watching is not missed then. */
  readonly current?: Config | undefined;
  /** Called with each whole configuration that its files have come to hold, also when an invalid one was mended to what it was. */
  readonly onChange: (config: Config) => void;
  /** Called once for each invalid state of the files, and for what `onChange` throws. The last good configuration stays. */
  readonly onError: (error: unknown) => void;
  /** Seconds between two looks, for changes that the system does not tell of; default 30. */
  readonly pollSeconds?: number | undefined;
}

/** What became of a reload. */
export type ReloadResult = 'changed' | 'unchanged' | 'invalid';

/** A watch that runs. */
export interface ConfigWatch {
  /** Looks at once and takes what is there, as on SIGHUP. */
  reload(): ReloadResult;
}

/**
 * Follows a configuration file, and the policy file that it names, until `signal` is aborted. Never keeps the process alive.
 * The directories are watched, not the files: Kubernetes swaps a symbolic link beside them, and editors put a new file in place of the old one.
 * @throws {EphemosError} ERR_OPTION_INVALID
 */
export function watchConfig(path: string, options: WatchConfigOptions): ConfigWatch {
  const { signal, onChange, onError, pollSeconds = 30 } = options;
  if (!(pollSeconds > 0 && pollSeconds <= MAX_POLL_SECONDS)) {
    throw new EphemosError('ERR_OPTION_INVALID', `pollSeconds must be more than 0 and at most ${MAX_POLL_SECONDS}`);
  }
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();
  const inUse = options.current?.files ?? [];
  let paths: readonly string[] = inUse.length === 0 ? [path] : inUse.map((file) => file.path);
  let known = inUse.length === 0 ? stateOfAll(paths) : stateOfFiles(inUse);
  let valid = true;
  let pending: string | undefined;
  let settling: NodeJS.Timeout | undefined;

  function take(): ReloadResult {
    pending = undefined;
    valid = false;
    try {
      const config = load();
      onChange(config);
      valid = true;
    } catch (error) {
      onError(error);
    }
    watchDirectories();
    return valid ? 'changed' : 'invalid';
  }

  function load(): Config {
    for (;;) {
      // Before loading: a change in between is found at the next look.
      known = stateOfAll(paths);
      try {
        const config = loadConfig({ ...options, path });
        paths = config.files.map((file) => file.path);
        known = stateOfFiles(config.files);
        return config;
      } catch (error) {
        // A policy file that is named for the first time and is invalid has to be followed too.
        const files = error instanceof ConfigError ? error.problems.flatMap((each) => each.file ?? []) : [];
        const all = new Set([...paths, ...files]);
        if (all.size === paths.length) throw error;
        paths = [...all];
      }
    }
  }

  function look(): void {
    const state = stateOfAll(paths);
    if (state !== known && state === pending) return void take();
    pending = state === known ? undefined : state;
    if (pending !== undefined) settle();
  }

  function settle(): void {
    clearTimeout(settling);
    settling = setTimeout(look, SETTLE_MS).unref();
  }

  // A directory that was deleted and made again is another one, and has to be watched anew.
  function watchDirectories(): void {
    const wanted = signal.aborted ? new Set<string>() : new Set(paths.map(dirname));
    for (const [directory, { watcher, identity }] of watchers) {
      if (wanted.has(directory) && identity === identityOf(directory)) continue;
      watcher.close();
      watchers.delete(directory);
    }
    for (const directory of wanted) if (!watchers.has(directory)) watchDirectory(directory);
  }

  function watchDirectory(directory: string): void {
    const identity = identityOf(directory);
    if (identity === undefined) return;
    try {
      const watcher = watch(directory, { persistent: false }, settle);
      // Polling goes on: the system has only so many watches, and some file systems have none.
      watcher.on('error', () => {
        watcher.close();
        watchers.delete(directory);
      });
      watchers.set(directory, { watcher, identity });
    } catch {
      // As above.
    }
  }

  function poll(): void {
    watchDirectories();
    look();
  }

  watchDirectories();
  const polling = setInterval(poll, pollSeconds * 1000).unref();
  const stop = (): void => {
    clearInterval(polling);
    clearTimeout(settling);
    watchDirectories();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  // What changed before the directories were watched.
  else look();

  return {
    reload() {
      if (signal.aborted || (valid && stateOfAll(paths) === known)) return 'unchanged';
      clearTimeout(settling);
      return take();
    },
  };
}

function stateOfAll(paths: readonly string[]): string {
  return paths.map((path) => `${path} ${stateOf(path)}`).join('\n');
}

function stateOfFiles(files: readonly ConfigFile[]): string {
  return files.map(({ path, digest }) => `${path} ${digest}`).join('\n');
}

function identityOf(directory: string): string | undefined {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}
