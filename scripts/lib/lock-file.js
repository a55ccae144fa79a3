// A file that one process of this machine holds at a time, with the number of that process in it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const pauseMs = 200;

/**
 * Makes the file; false when it is there.
 * @param {string} file
 */
export function take(file) {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Whether the process that made the file lives.
 * @param {string} file
 */
export function isHeld(file) {
  try {
    const owner = Number.parseInt(readFileSync(file, 'utf8'), 10);
    if (!Number.isInteger(owner)) return true; // Just made, its owner not written yet.
    process.kill(owner, 0);
    return true;
  } catch (error) {
    // EPERM: alive, another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Runs it while no other process runs what holds this file. Waits without turning the event loop.
 * @template T
 * @param {string} file
 * @param {() => T} run
 * @returns {T}
 */
export function alone(file, run) {
  while (!take(file)) {
    if (isHeld(file)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    else rmSync(file, { force: true });
  }
  try {
    return run();
  } finally {
    rmSync(file, { force: true });
  }
}
