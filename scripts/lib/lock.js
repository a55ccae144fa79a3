// A lock file that one process at a time holds; a holder whose heartbeat stopped loses it.
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const heartbeatMs = 1_000;
const abandonedMs = 15_000;
const pollMs = 100;

/** Creates `path`, unless it exists. */
function claim(path) {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Only the heartbeat counts, not the holder's process id: what a killed holder started may still be at work for a moment. */
function isAbandoned(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > abandonedMs;
}

/** Removes an abandoned lock; false when another process is just doing so. Only one process does so at a time, or a second one could remove the lock of the next holder. */
function breakLock(path) {
  const breaker = `${path}.break`;
  if (!claim(breaker)) {
    if (isAbandoned(breaker)) rmSync(breaker, { force: true });
    return false;
  }
  try {
    if (isAbandoned(path)) rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(breaker, { force: true });
  }
}

/**
 * Runs `body` while holding the lock file `path`, and waits for other holders first (`onWait` is called once when it must wait).
 * The lock is given back when `body` settles and when the process exits.
 */
export async function withLock(path, body, { onWait = () => {} } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waited = false; !claim(path); waited = true) {
    if (!waited) onWait();
    if (!isAbandoned(path) || !breakLock(path)) await delay(pollMs);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // The file system is gone or read-only; the holder's own work will say so.
    }
  }, heartbeatMs);
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await body();
  } finally {
    clearInterval(heartbeat);
    process.removeListener('exit', release);
    release();
  }
}
