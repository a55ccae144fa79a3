// Archives that are not as backup.sh makes them: an archive read into its entries, and entries written as an archive, with whatever a forger may do.
import { sha256 } from './fingerprint.js';

const block = 512;
export const headerBytes = 80;

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {Buffer} data
 * @property {string} [type] of tar: 0 a file (default), 1 a hard link, 2 a symbolic link, 5 a folder
 * @property {string} [target] of a link
 */

/** @param {Buffer} archive @returns {Entry[]} */
export function entriesOf(archive) {
  /** @type {Entry[]} */
  const entries = [];
  let at = headerBytes;
  while (at + block <= archive.length && archive[at] !== 0) {
    const text = (/** @type {number} */ from, /** @type {number} */ length) =>
      archive.toString('latin1', at + from, at + from + length).split('\0')[0] ?? '';
    const size = Number.parseInt(text(124, 12), 8);
    entries.push({ name: text(0, 100), data: Buffer.from(archive.subarray(at + block, at + block + size)) });
    at += block + Math.ceil(size / block) * block;
  }
  return entries;
}

/** @param {Entry} entry */
function tarEntry({ name, data, type = '0', target = '' }) {
  const header = Buffer.alloc(block);
  header.write(name, 0, 'latin1');
  header.write('0000600\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(target, 157, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, data, Buffer.alloc((block - (data.length % block)) % block)]);
}

/**
 * @param {readonly Entry[]} entries
 * @param {{ format?: string }} [options]
 */
export function archiveOf(entries, { format = '1' } = {}) {
  const tar = Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * block)]);
  return Buffer.concat([Buffer.from(`spire-backup ${format} ${sha256(tar)}\n`), tar]);
}

/**
 * Another text of the manifest, and everything else as it was.
 * @param {readonly Entry[]} entries
 * @param {(manifest: string) => string} change
 */
export function withManifest(entries, change) {
  return entries.map((entry) => (entry.name === 'manifest' ? { ...entry, data: Buffer.from(change(entry.data.toString())) } : entry));
}

/**
 * Other files, and a manifest that says so: what a forger makes, who knows the format.
 * @param {readonly Entry[]} entries
 * @param {(entry: Entry) => Buffer | undefined} change undefined leaves the file out
 */
export function withFiles(entries, change) {
  const files = entries
    .filter(({ name }) => name !== 'manifest')
    .flatMap((entry) => {
      const data = change(entry);
      return data === undefined ? [] : [{ ...entry, data }];
    });
  const sums = files.map(({ name, data }) => `sha256 ${sha256(data)} ${data.length} ${name}\n`).join('');
  const manifest = entries.find(({ name }) => name === 'manifest');
  if (manifest === undefined) throw new Error('there is no manifest');
  return [{ ...manifest, data: Buffer.from(manifest.data.toString().replace(/^sha256 .*\n/gm, '') + sums) }, ...files];
}

/**
 * One bit of one byte turned over.
 * @param {Buffer} archive
 * @param {number} at
 */
export function flipped(archive, at) {
  const copy = Buffer.from(archive);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
