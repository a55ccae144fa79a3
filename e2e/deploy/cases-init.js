// A deployment of one's own, written, verified, changed by hand and compared with a newer Ephemos: each target, as a user would.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../kubernetes/must.js';
import { filesIn, findingsIn, mustEnd, told } from './world.js';

/** @typedef {import('./world.js').World} World */
/** @typedef {import('./world.js').DeployCase} DeployCase */
/** @typedef {'compose' | 'kubernetes' | 'systemd'} Target */
/** @typedef {{ name: string, state: string }} FileState */

const RECORD = 'ephemos-deploy.json';
/** What no target renders: secrets, and who owns them. */
const secret = /^(private\/|\.env$)/;

/** @type {Readonly<Record<Target, { answers: (service: string) => readonly string[], edited: string, next: RegExp }>>} */
const targets = {
  compose: { answers: () => [], edited: 'compose.yaml', next: /docker compose up/ },
  kubernetes: {
    answers: (service) => ['--set', `image=registry.acme.com/${service}:1.4.0`],
    edited: 'base/server.yaml',
    next: /kubectl apply/,
  },
  systemd: { answers: () => [], edited: '', next: /systemctl/ },
};
/** One more than the sample, and longer than it. */
const services = [
  { service: 'orders', domain: 'prod.acme.com' },
  { service: 'order-book-2', domain: 'eu.acme.internal' },
];

/** @type {readonly DeployCase[]} */
export const initCases = /** @type {const} */ (['compose', 'kubernetes', 'systemd']).map((target) => ({
  name: `init-${target}`,
  rule: 'written once, the same everywhere, without a secret; verified, changed by hand, and compared with a newer Ephemos',
  run: async (/** @type {World} */ world) => {
    const told = [];
    for (const names of services) told.push(await tryTarget(world, target, names));
    return `${services.map(({ service }) => service).join(', ')}: ${told.join(', ')} files`;
  },
}));

/**
 * @param {World} world
 * @param {Target} target
 * @param {typeof services[number]} names
 */
async function tryTarget(world, target, { service, domain }) {
  const { ephemos } = world;
  const { answers, next } = targets[target];
  const cwd = world.folder(`init/${target}/${service}`);
  const args = ['deploy', 'init', '--target', target, '--service-name', service, '--domain', domain, ...answers(service)];
  const init = (/** @type {string} */ out, /** @type {string[][]} */ ...more) => ephemos([...args, '--out', out, ...more.flat()], { cwd });

  mustEnd(await init('one', ['--dry-run']), 5, 'a dry run');
  must(!existsSync(join(cwd, 'one')), 'a dry run wrote something');
  const first = await init('one');
  mustEnd(first, 0, 'init');
  must(first.stderr === '', `init says on standard error: ${first.stderr}`);
  const steps = /\nNext, in .*:\n([\s\S]*)$/.exec(first.stdout)?.[1] ?? '';
  must(next.test(steps), `the summary does not say what to do next: ${first.stdout.slice(-500)}`);
  must(first.stdout.includes(domain), 'the summary does not name the trust domain');

  const before = filesIn(join(cwd, 'one'));
  const again = await init('one', ['--format', 'json']);
  mustEnd(again, 0, 'the second run');
  mustBe(statesIn(again.stdout), 'same', 'the second run');
  mustEnd(await init('one', ['--dry-run']), 0, 'a dry run of what is there');
  mustBeEqual(before, filesIn(join(cwd, 'one')), 'after a second run');
  mustEnd(await init('two'), 0, 'init elsewhere');
  const rendered = new Map([...before].filter(([name]) => !secret.test(name)));
  mustBeEqual(rendered, new Map([...filesIn(join(cwd, 'two'))].filter(([name]) => !secret.test(name))), 'in another folder');
  mustHoldNoSecret(before);
  mustNotNameTheSample(rendered);
  await verifyAndCompare(world, { cwd, target, init: () => init('one') });
  return rendered.size;
}

/**
 * @param {World} world
 * @param {{ cwd: string, target: Target, init: () => Promise<import('./world.js').Finished> }} project
 */
async function verifyAndCompare({ ephemos }, { cwd, target, init }) {
  const verify = await ephemos(['deploy', 'verify', 'one', '--strict', '--format', 'json'], { cwd });
  const findings = findingsIn(verify.stdout);
  must(findings.length === 0, `verify finds ${findings.length}:\n${told(findings)}`);
  mustEnd(verify, 0, 'verify');
  const nothing = await ephemos(['deploy', 'diff', 'one'], { cwd });
  mustEnd(nothing, 0, 'diff');
  must(/^\d+ files as this Ephemos writes them\n$/.test(nothing.stdout), `diff says: ${nothing.stdout.slice(0, 500)}`);

  // What a person changes is theirs.
  const name = targets[target].edited || firstOf(cwd);
  const path = join(cwd, 'one', name);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, `${text}# ours\n`);
  const yours = await ephemos(['deploy', 'diff', 'one', '--format', 'json'], { cwd });
  mustEnd(yours, 0, 'diff after a change by hand');
  mustBeOnly(statesIn(yours.stdout), { [name]: 'yours' });
  const changed = await ephemos(['deploy', 'verify', 'one'], { cwd });
  mustEnd(changed, 0, 'verify after a change by hand');
  must(changed.stdout.includes(`changed by hand: ${name}\n`), 'verify does not tell what was changed by hand');
  mustEnd(await init(), 0, 'init after a change by hand');
  must(readFileSync(path, 'utf8').endsWith('# ours\n'), 'init wrote over a change by hand');

  // What an Ephemos before this one wrote, as its record says: one file otherwise, one not at all, and one more.
  const older = text.replace(/^(#.*)$/m, '$1 (older)');
  writeFileSync(path, older);
  const recordPath = join(cwd, 'one', RECORD);
  const record = JSON.parse(readFileSync(recordPath, 'utf8'));
  const gone = Object.keys(record.files).find((each) => each !== name) ?? '';
  delete record.files[gone];
  rmSync(join(cwd, 'one', gone));
  record.files[name] = digestOf(older);
  record.files['former.conf'] = digestOf('former\n');
  writeFileSync(join(cwd, 'one', 'former.conf'), 'former\n');
  writeFileSync(recordPath, JSON.stringify(record));
  const newer = await ephemos(['deploy', 'diff', 'one', '--format', 'json'], { cwd });
  mustEnd(newer, 5, 'diff with a newer Ephemos');
  mustBeOnly(statesIn(newer.stdout), { [name]: 'changed', [gone]: 'new', 'former.conf': 'removed' });
  must(JSON.stringify(JSON.parse(newer.stdout)).includes('(older)'), 'diff does not show what changes');
  must(readFileSync(path, 'utf8') === older, 'diff wrote something');
  mustEnd(await init(), 0, 'init by the newer Ephemos');
  must(readFileSync(path, 'utf8') === text, 'init did not bring the file up to date');
  mustEnd(await ephemos(['deploy', 'diff', 'one'], { cwd }), 0, 'diff after that');
}

/** @param {string} cwd */
function firstOf(cwd) {
  const { files } = JSON.parse(readFileSync(join(cwd, 'one', RECORD), 'utf8'));
  return Object.keys(files).find((name) => !name.endsWith('.md') && !name.endsWith('.json')) ?? '';
}

/** @param {string} text @returns {readonly FileState[]} */
const statesIn = (text) => JSON.parse(text).files;

/** @param {readonly FileState[]} files @param {string} state @param {string} when */
function mustBe(files, state, when) {
  const other = files.filter((each) => each.state !== state).map((each) => `${each.name} ${each.state}`);
  must(files.length > 0 && other.length === 0, `${when}: ${other.join(', ')}`);
}

/** @param {readonly FileState[]} files @param {Readonly<Record<string, string>>} wanted */
function mustBeOnly(files, wanted) {
  const found = Object.fromEntries(files.filter(({ state }) => state !== 'same').map(({ name, state }) => [name, state]));
  must(isEqual(found, wanted), `diff says ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

/** @param {Readonly<Record<string, string>>} a @param {Readonly<Record<string, string>>} b */
function isEqual(a, b) {
  return Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);
}

/** @param {ReadonlyMap<string, string>} a @param {ReadonlyMap<string, string>} b @param {string} when */
function mustBeEqual(a, b, when) {
  const other = [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  must(other.length === 0, `${when} these differ: ${other.join(', ')}`);
}

/** No private key in what everybody may read, and nothing that looks like one, or that is in a file of keys. @param {ReadonlyMap<string, string>} files */
function mustHoldNoSecret(files) {
  const keys = [...files].flatMap(([name, text]) => (secret.test(name) ? (text.match(/^[A-Za-z0-9+/=]{40,}$/gm) ?? []) : []));
  for (const [name, text] of files) {
    if (secret.test(name)) continue;
    must(!/PRIVATE KEY|BEGIN CERTIFICATE/.test(text), `${name} holds a key or a certificate`);
    must(!/(?:password|secret|token)\s*[:=]\s*["']?[A-Za-z0-9+/]{12,}["']?\s*$/im.test(text), `${name} holds a password`);
    must(!keys.some((key) => text.includes(key)), `${name} holds a part of a key`);
  }
}

/** Nothing of the sample is left in a project of one's own. @param {ReadonlyMap<string, string>} files */
function mustNotNameTheSample(files) {
  for (const [name, text] of files) {
    // What the image of the repository holds is called so, whatever the service is called.
    const own = text.replaceAll(/ephemos-echo\b|examples\/echo\b|dist\/echo-(?:server|client)\.js/g, '');
    const left = /\becho[.-](?:internal|server|client)\b|\/echo:|spiffe:\/\/[^\s"']*\/echo/.exec(own);
    must(left === null, `${name} still names the sample: ${left?.[0] ?? ''}`);
  }
}

/** @param {string} text */
const digestOf = (text) => createHash('sha256').update(text).digest('hex');
