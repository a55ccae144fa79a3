// A path in; the text of a bounded, regular, UTF-8 file out, with what is needed to know it again and to judge who may change it.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A configuration file is at most this many bytes. */
export const MAX_FILE_BYTES: number = 1024 * 1024;

/** A file that a configuration was read from. */
export interface ConfigFile {
  readonly path: string;
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string;
  /** True when its group or everybody may write it. */
  readonly writable: boolean;
  /** True when the group or everybody may write the directory of the file (or of what it links to), and so replace it. */
  readonly directoryWritable: boolean;
}

/** Why a file was not taken. */
export interface FileRefusal {
  readonly message: string;
  readonly hint?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Reads a file of at most `most` bytes; the refusal says why it was not taken. */
export function readSource(
  path: string,
  most: number = MAX_FILE_BYTES,
): { readonly file: ConfigFile; readonly text: string } | { readonly refusal: FileRefusal } {
  let fd: number | undefined;
  try {
    // Non-blocking: opening a pipe would wait for its writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isDirectory())
      return { refusal: { message: 'this is a directory', hint: `name the file in it, as in ${join(path, 'config.yaml')}` } };
    if (!stat.isFile()) return { refusal: { message: 'this is not a regular file' } };
    const bytes = readAtMost(fd, most + 1);
    if (bytes.length > most) return { refusal: { message: `the file is larger than ${most / 2 ** 20} MiB` } };
    const refusal = refusalOfBytes(bytes);
    if (refusal !== undefined) return { refusal };
    const directories = new Set([dirname(path), dirname(realpathSync(path))]);
    const file = Object.freeze<ConfigFile>({
      path,
      digest: digestOf(bytes),
      writable: isOpenToOthers(path, stat.mode),
      directoryWritable: [...directories].some((each) => isOpenToOthers(each, statSync(each).mode)),
    });
    return { file, text: new TextDecoder('utf-8').decode(bytes) };
  } catch (error) {
    return { refusal: refusalOf(error) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The digest of what is in a file at this moment, or the reason why there is none. Equal while nothing has changed. */
export function stateOf(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return fstatSync(fd).isFile() ? digestOf(readAtMost(fd, MAX_FILE_BYTES + 1)) : 'not a file';
  } catch (error) {
    return codeOf(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readAtMost(fd: number, most: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let length = 0; length < most; ) {
    const chunk = new Uint8Array(Math.min(65_536, most - length));
    const count = readSync(fd, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  return Buffer.concat(chunks);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

// Kubernetes mounts a ConfigMap as a directory with mode 0777 that is read-only all the same; asking for write access tells.
function isOpenToOthers(path: string, mode: number): boolean {
  if ((mode & 0o022) === 0) return false;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    return codeOf(error) !== 'EROFS';
  }
}

function refusalOfBytes(bytes: Uint8Array): FileRefusal | undefined {
  if (bytes.length === 0) return { message: 'the file is empty' };
  const hint = 'save it as UTF-8';
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { message: 'this is UTF-16', hint, line: 1, column: 1 };
  }
  if (isUtf8(bytes) && !bytes.includes(0)) return undefined;
  // No byte of a longer character is a line feed, so each line can be judged alone.
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    const slice = bytes.subarray(start, end === -1 ? bytes.length : end);
    const nul = slice.indexOf(0);
    if (nul !== -1) return { message: 'there is a NUL in this file, which no text has', line, column: nul + 1 };
    if (!isUtf8(slice)) {
      return { message: 'this is not UTF-8', hint, line, column: new TextDecoder('utf-8').decode(slice).indexOf('\ufffd') + 1 };
    }
    start = end === -1 ? bytes.length + 1 : end + 1;
  }
  return { message: 'this is not UTF-8', hint };
}

function refusalOf(error: unknown): FileRefusal {
  switch (codeOf(error)) {
    case 'ENOENT':
      return { message: 'there is no such file' };
    case 'EACCES':
    case 'EPERM':
      return {
        message: 'this process may not read the file',
        hint: 'give its user read access, and search access to every directory above',
      };
    default:
      return { message: `the file cannot be read (${codeOf(error)})` };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}
