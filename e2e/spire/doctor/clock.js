// A process whose clock is wrong: libfaketime, found or taken out of its Debian package. SPIRE's own programs read the clock without the C
// library, so theirs cannot be moved like this; that of a workload in Node.js can, and the difference is the same from both sides.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { takeOut } from '../../../scripts/lib/debian.js';

/**
 * The environment of a process whose clock is off by so many seconds; undefined where there is no libfaketime.
 * @param {import('../room.js').Room} room
 * @returns {((seconds: number) => Readonly<Record<string, string>>) | undefined}
 */
export function findWrongClock({ log, reach }) {
  const found = libraryBelow('/') ?? libraryBelow(takeOut('libfaketime', log));
  if (found === undefined) return undefined;
  const library = reach.file(found);
  return (seconds) => ({
    LD_PRELOAD: library,
    FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`,
    // Timers go by the other clock, which stays as it is.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
}

/** @param {string | undefined} root */
function libraryBelow(root) {
  if (root === undefined) return undefined;
  const base = join(root, 'usr', 'lib');
  const folders = existsSync(base) ? readdirSync(base).filter((name) => /-linux-gnu/.test(name)) : [];
  return folders.map((name) => join(base, name, 'faketime', 'libfaketime.so.1')).find((file) => existsSync(file));
}
