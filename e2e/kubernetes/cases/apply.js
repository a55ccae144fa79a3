// Case: everything in deploy/kubernetes, and what `deploy init` writes for another service, goes in by server-side apply with strict fields.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../spire/room.js';
import { applyAll, mustBeTaken, removeAll } from '../apply.js';
import { openSources } from '../kustomize.js';
import { must } from '../must.js';

/** @typedef {import('../world.js').World} World */
/** @typedef {import('../kustomize.js').Build} Build */
/** @typedef {import('../kustomize.js').Sources} Sources */

/** @type {import('../run.js').Case} */
export const apply = {
  name: 'apply',
  rule: 'every overlay, SPIRE and every component is taken by server-side apply with strict fields: nothing refused, no warning',
  run: async (world) => {
    let objects = 0;
    let builds = 0;
    const kinds = new Set();
    for (const build of [...(await everyBuild(world.sources)), ...(await buildsOfAnother(world))]) {
      const known = world.known(build.objects);
      must(known.length > 0, `${build.name} has no objects`);
      const applied = await applyAll(world.admin, known);
      try {
        mustBeTaken(applied);
        if (build.name === 'overlays/production') mustBeSettled(applied, await applyAll(world.admin, known));
      } catch (error) {
        throw new Error(`${build.name}:\n${error instanceof Error ? error.message : error}`);
      }
      await removeAll(world.admin, known);
      for (const { apiVersion, kind } of known) kinds.add(`${apiVersion} ${kind}`);
      objects += known.length;
      builds += 1;
    }
    return `${builds} builds, ${objects} objects of ${kinds.size} kinds; applied once more, production changes nothing`;
  },
};

/**
 * Each folder that builds by itself, each component on the overlay or on SPIRE, and all of a kind together.
 * @param {Sources} sources
 * @returns {Promise<readonly Build[]>}
 */
async function everyBuild({ builds, components, spireComponents, build, combine }) {
  const made = [];
  for (const path of builds) made.push(await build(path));
  for (const [on, parts] of /** @type {const} */ ([
    ['overlays/production', components],
    ['spire', spireComponents],
  ])) {
    for (const part of parts) made.push(await combine(on, [part]));
    if (parts.length > 1) made.push(await combine(on, parts));
  }
  return made;
}

/**
 * What the command writes for a service that is not the example's.
 * @param {World} world
 * @returns {Promise<readonly Build[]>}
 */
async function buildsOfAnother({ room, tools, short }) {
  const out = join(room.folder, 'orders');
  mkdirSync(out);
  const words = [
    'deploy',
    'init',
    '--target',
    'kubernetes',
    '--service-name',
    'orders',
    '--domain',
    'shop.acme.com',
    '--set',
    'image=registry.acme.com/orders:1.0.0',
    '--out',
    out,
  ];
  const { code, stdout, stderr } = await room.programs.run('ephemos', process.execPath, [
    join(checkout, 'packages/cli/dist/main.js'),
    ...words,
  ]);
  must(code === 0, `ephemos ${words.slice(0, 4).join(' ')} ended with ${code}: ${`${stdout}${stderr}`.trim()}`);
  const sources = openSources({ from: out, folder: join(room.folder, 'orders-copy'), tools, programs: room.programs });
  if (!short) return (await everyBuild(sources)).map(({ name, objects }) => ({ name: `orders: ${name}`, objects }));
  return [await sources.build('overlays/production')].map(({ name, objects }) => ({ name: `orders: ${name}`, objects }));
}

/**
 * An object that changes each time it is applied is one that some default or some other owner fights over.
 * @param {readonly import('../client.js').Applied[]} first
 * @param {readonly import('../client.js').Applied[]} second
 */
function mustBeSettled(first, second) {
  mustBeTaken(second);
  for (const [index, { object, body }] of second.entries()) {
    const [before, after] = [first[index]?.body.metadata.resourceVersion, body.metadata.resourceVersion];
    must(before === after, `${object.kind} ${object.metadata.name} changes when it is applied once more`);
  }
}
