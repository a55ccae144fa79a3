// What a configuration was loaded with in; the value of every key and where it was set out. For whoever asks why a value is what it is.
import type { Config } from './config.ts';
import { type ConfigDocument, openDocument } from './document.ts';
import { type Override, readEnvironment } from './environment.ts';
import { configPath, type LoadOptions } from './load-config.ts';
import { isMapping, overrideAt } from './overlay.ts';
import { formatPath, type KeyPath } from './problem.ts';
import { listSettings } from './settings.ts';

/** Where a value was set: in a file, by a variable, or nowhere, and then all of it is `undefined` and the default holds. */
export interface ValuePlace {
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  /** In characters, from 1. */
  readonly column: number | undefined;
  readonly variable: string | undefined;
}

/** A key of the file with the value that holds. */
export interface EffectiveSetting {
  /** Such as `limits.max_connections`. */
  readonly key: string;
  /** As it would be written in the file; `undefined` when it is not set and has no default. */
  readonly value: unknown;
  readonly place: ValuePlace;
}

/** Says where keys were set; the key has to be valid. */
export type PlaceFinder = (path: KeyPath) => ValuePlace;

const NOWHERE: ValuePlace = Object.freeze({ file: undefined, line: undefined, column: undefined, variable: undefined });

/** Every key with its value and where that was set. Reads the files again. @param options those that the configuration was loaded with */
export function effectiveSettings(config: Config, options: LoadOptions = {}): readonly EffectiveSetting[] {
  const sources = openSources(options);
  return listSettings().map((setting): EffectiveSetting => {
    const key = formatPath(setting.path);
    const place = placeOf(sources, setting.path);
    switch (key) {
      case 'service.spiffe_id':
        return { key, value: config.service.spiffeId.toString(), place };
      case 'agent.socketPath':
        return { key, value: config.socket?.endpoint, place: socketPlace(config, place) };
      case 'policy.rules':
        return { key, value: config.policy?.rules, place: config.policy?.file === undefined ? place : rulesPlace(config.policy.file) };
      default:
        return { key, value: writtenAt(sources, setting.path) ?? setting.default, place };
    }
  });
}

/** Finds places in the files and variables that these options stand for. Reads the file again. */
export function openPlaces(options: LoadOptions = {}): PlaceFinder {
  const sources = openSources(options);
  return (path) => placeOf(sources, path);
}

interface Sources {
  readonly document: ConfigDocument | undefined;
  readonly overrides: readonly Override[];
}

function openSources(options: LoadOptions): Sources {
  const path = configPath(options);
  const { overrides } = readEnvironment(options.env ?? process.env);
  return { document: path === undefined ? undefined : openDocument(path), overrides };
}

function placeOf({ document, overrides }: Sources, path: KeyPath): ValuePlace {
  const variable = overrideAt(path, overrides)?.variable;
  if (variable !== undefined) return { ...NOWHERE, variable };
  return document === undefined || valueAt(document.value, path) === undefined ? NOWHERE : placeIn(document, path);
}

/** The place of a key that is in the document. */
export function placeIn(document: ConfigDocument, path: KeyPath): ValuePlace {
  const { file, line, column } = document.locate({ path, message: '' }, 'key');
  return { ...NOWHERE, file, line, column };
}

function writtenAt({ document, overrides }: Sources, path: KeyPath): unknown {
  const override = overrideAt(path, overrides);
  return override === undefined ? valueAt(document?.value, path) : override.value;
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce((at: unknown, key) => {
    if (Array.isArray(at)) return typeof key === 'number' ? at[key] : undefined;
    return isMapping(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, value);
}

function socketPlace({ socket }: Config, place: ValuePlace): ValuePlace {
  return socket?.origin === 'SPIFFE_ENDPOINT_SOCKET' ? { ...NOWHERE, variable: socket.origin } : place;
}

function rulesPlace(file: string): ValuePlace {
  const document = openDocument(file);
  return valueAt(document.value, ['rules']) === undefined ? { ...NOWHERE, file } : placeIn(document, ['rules']);
}
