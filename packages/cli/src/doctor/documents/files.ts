// Paths of files and directories in, the texts of the files there out. Bounded: what is too much is said, and not read.
import { isUtf8 } from 'node:buffer';
import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { RECORD } from '../../deploy/project/record.ts';
import type { Source, UnreadableDocument } from './document.ts';

/** A file is at most this many bytes. */
export const MAX_FILE_BYTES: number = 1024 * 1024;
/** What comes in on standard input is at most this many bytes. */
export const MAX_INPUT_BYTES: number = 16 * 1024 * 1024;
/** At most this many files are read. */
export const MAX_FILES = 5000;
/** Directories stand in each other at most this often. */
export const MAX_DIRECTORIES = 32;

/** The name of what came in on standard input. */
export const INPUT = 'stdin';

/** What was read. */
export interface Files {
  readonly sources: readonly Source[];
  readonly unreadable: readonly UnreadableDocument[];
}

/** Of the files in a directory, those whose name says that they may be a part of a deployment. */
const WANTED =
  /\.(conf|hcl|ya?ml|json|env|properties|ini|cfg|toml|service|timer|socket|sh|pem|key|crt)$|^\.env(\..*)?$|(^|\.)(Docker|Container)file(\.|$)/i;

/**
 * Reads files.
 * @param paths files, directories, and `-` for standard input
 * @param input reads standard input
 * @throws {EphemosError} ERR_CONFIG_INVALID when a path that was given is not there
 */
export function readFiles(paths: readonly string[], input: () => string): Files {
  const sources = new Map<string, Source>();
  const unreadable: UnreadableDocument[] = [];
  const refuse = (file: string, problem: string, reason: UnreadableDocument['reason']): void => {
    unreadable.push({ kind: 'unreadable', file, deployment: '', problem, reason, line: undefined });
  };

  function take(file: string): void {
    if (sources.has(file)) return;
    if (sources.size === MAX_FILES) throw new TooMany();
    try {
      const stat = statSync(file);
      if (!stat.isFile()) return refuse(file, 'this is not a regular file', 'broken');
      if (stat.size > MAX_FILE_BYTES) return refuse(file, 'the file is larger than 1 MiB', 'limit');
      const bytes = readFileSync(file);
      if (!isUtf8(bytes) || bytes.includes(0)) return refuse(file, 'this is not UTF-8', 'broken');
      sources.set(file, { file, deployment: deploymentOf(file), text: bytes.toString('utf8'), shared: (stat.mode & 0o077) !== 0 });
    } catch (error) {
      refuse(file, reasonOf(error), 'limit');
    }
  }

  function walk(directory: string, depth: number): void {
    if (depth > MAX_DIRECTORIES) return refuse(directory, `more than ${MAX_DIRECTORIES} directories deep`, 'limit');
    let names: readonly Dirent[];
    try {
      names = readdirSync(directory, { withFileTypes: true });
    } catch (error) {
      return refuse(directory, reasonOf(error), 'limit');
    }
    const isChart = names.some(({ name }) => name === 'Chart.yaml');
    for (const entry of [...names].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
        if (isChart && entry.name === 'templates') refuse(path, 'templates of a Helm chart are no manifests yet', 'template');
        else walk(path, depth + 1);
      } else if (WANTED.test(entry.name) && !/\.dockerignore$/i.test(entry.name) && isFile(path)) take(path);
    }
  }

  try {
    for (const path of paths) {
      if (path === '-') {
        const text = input();
        if (Buffer.byteLength(text) > MAX_INPUT_BYTES) refuse(INPUT, 'standard input is larger than 16 MiB', 'limit');
        else sources.set(INPUT, { file: INPUT, deployment: '', text, shared: false });
      } else if (isDirectory(path)) walk(normalize(path), 0);
      else take(normalize(path));
    }
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    refuse(paths[0] ?? '', `there are more than ${MAX_FILES} files`, 'limit');
  }
  return { sources: [...sources.values()], unreadable };
}

class TooMany extends Error {}

// A directory that "ephemos deploy init" made is a deployment of its own.
function deploymentOf(file: string): string {
  for (let at = dirname(file); ; at = dirname(at)) {
    if (existsSync(join(at, RECORD))) return at;
    if (at === dirname(at)) return '';
  }
}

// Kubernetes mounts each file of a ConfigMap as a link. A link to a directory could lead in a circle.
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${path}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) throw error;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EACCES' ? 'this process may not read it' : `it cannot be read (${code})`;
}
