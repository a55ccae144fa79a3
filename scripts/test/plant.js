// Plants a small tree of files in a temporary directory, for checks that must find what is wrong in it.
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { root } from '../lib/workspace.js';

/** Writes `files` (path to text, or to a value that becomes JSON) under `base`. */
export function write(base, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

/** Plants `files` and returns their directory, which is removed when the test ends. */
export function plant(files) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'ephemos-plant-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  write(base, files);
  return base;
}

/** Copies files of the checkout into a planted tree. */
export function copyInto(base, ...paths) {
  for (const path of paths) cpSync(join(root, path), join(base, path), { recursive: true });
}

/** Gives a planted tree the installed packages `names` of the checkout. */
export function linkPackages(base, ...names) {
  for (const name of names) {
    mkdirSync(dirname(join(base, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(base, 'node_modules', name));
  }
}
