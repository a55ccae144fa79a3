// results.json of here and of bench in, the tables between the marks of docs/tuning.md out. `node bench/tuning/render.js [--check]`.
import { readFileSync, writeFileSync } from 'node:fs';
import { isMain, reportProblems } from '../../scripts/lib/output.js';

const page = new URL('../../docs/tuning.md', import.meta.url);
const cell = (value) => (value === null || value === undefined ? '–' : typeof value === 'number' ? value.toLocaleString('en-US') : value);
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
const operations = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none';

/** What each part of the results says, as Markdown. */
export const sections = {
  heap: ({ rows, cpus }) =>
    `${table(
      ['`NODE_OPTIONS`', 'memory limit', 'heap that V8 allows itself'],
      rows.map(({ flags, limitMiB, heapMiB }) => [
        flags === '' ? 'none' : `\`${flags}\``,
        limitMiB === null ? 'none' : `${limitMiB} MiB`,
        `${cell(heapMiB)} MiB`,
      ]),
    )}${cpus === null ? '' : `\n\nUnder a CPU limit of ${cpus.limit} \`os.availableParallelism()\` says ${cpus.seen}.`}`,
  threadpool: ({
    held,
    started,
    rows,
  }) => `Operations of the pool in ${started.calls} calls, each on a new connection: server ${operations(started.server)}; client by address ${operations(started.clientIp)}; client by name ${operations(started.clientName)}.

While ${held} operations hang in the pool for a second, one call each:

${table(
  ['`UV_THREADPOOL_SIZE`', 'a call to an address, ms', 'a call to a name, ms', 'a file, ms'],
  rows.map(({ threads, ipMs, nameMs, fileMs }) => [`${threads}${threads === 4 ? ' (default)' : ''}`, ipMs, nameMs, fileMs]),
)}`,
  cpu: ({ rate, atOnce, rows }) =>
    table(
      [
        'CPU limit',
        'handshakes a second',
        'CPU of one, µs',
        `p50 / p99 of ${rate} calls a second, ms`,
        `${atOnce} callers that connect at once: the last answer after, ms`,
        'from start to ready, s',
      ],
      rows.map(({ cpu, handshakesPerSecond, handshakeUs, p50Ms, p99Ms, lastMs, readySeconds }) => [
        cpu === null ? 'none' : `${cpu * 1000}m`,
        handshakesPerSecond,
        handshakeUs,
        `${cell(p50Ms)} / ${cell(p99Ms)}`,
        lastMs,
        readySeconds,
      ]),
    ),
  clients: ({ atOnce, again, rows }) =>
    table(
      ['client', `connections after ${again + 1} times ${atOnce} calls at once`, 'first time, ms', 'later, ms'],
      rows.map(({ name, connections, firstMs, laterMs }) => [name, connections, firstMs, laterMs]),
    ),
  keepalive: ({ seconds, rows }) =>
    table(
      ['client', `pings in ${seconds} s`],
      rows.map(({ name, pings }) => [name, pings]),
    ),
  processes: ({ scrapes, rows }) =>
    table(
      ['processes', 'memory of each, MiB', `processes that answered ${scrapes} scrapes of one address`],
      rows.map(({ workers, memoryMiB, answered }) => [workers, memoryMiB.join(' and '), answered]),
    ),
};

const KINDS = { 'root-signed': 'signed by the root', 'one intermediate': 'with one intermediate' };

/** From `npm run bench`: what a connection and a call cost. */
function costs({ rows }) {
  const find = (name) => rows.find((row) => row.name === name);
  const call = find('server CPU per HTTP/1 request, with metrics and audit / without').ours;
  return table(
    ['what', "server's CPU, µs", 'stock Node.js, µs', 'a second of CPU does'],
    [
      ...Object.entries(KINDS).map(([kind, text]) => {
        const { ours, note } = find(`server CPU per handshake / floor, ${kind}`);
        return [`a handshake, caller known, ${text}`, Math.round(ours), Number(/([\d.]+) us/.exec(note)[1]), Math.round(1e6 / ours)];
      }),
      ...Object.entries(KINDS).map(([kind, text]) => {
        const [, ours, stock] =
          /server CPU (\d+) us, stock (\d+) us/.exec(find(`handshakes/s, first-time callers, ${kind}`).note ?? '') ?? [];
        return ours === undefined
          ? undefined
          : [`the same, caller new, ${text}`, Number(ours), Number(stock), Math.round(1e6 / Number(ours))];
      }),
      ['an HTTP/1 request to a service, connection kept', Number(call.toFixed(1)), null, Math.round(1e6 / call)],
      [
        'a gRPC call, connection kept',
        Number(find('server CPU with peerOf / without, grpc').ours.toFixed(1)),
        null,
        Math.round(1e6 / find('server CPU with peerOf / without, grpc').ours),
      ],
    ].filter((row) => row !== undefined),
  );
}

/** Clients leave a connection 10 to 15 % of the life before it ends; SVIDs are renewed at half. Both together: it is made anew each half of the life. */
function lives({ rows }) {
  const us = rows.find(({ name }) => name === 'server CPU per handshake / floor, one intermediate').ours;
  const connections = 1_000;
  return table(
    ['SVIDs live', `handshakes a second for ${connections.toLocaleString('en-US')} connections that stay`, "of the server's core, %"],
    [
      ['1 h', 3600],
      ['15 min', 900],
      ['5 min', 300],
      ['1 min', 60],
    ].map(([text, life]) => {
      const perSecond = connections / (life / 2);
      return [text, Number(perSecond.toPrecision(2)), Number(((perSecond * us) / 1e4).toPrecision(2))];
    }),
  );
}

function about({ node, machine, parts }) {
  const most = Math.max(...Object.values(parts).map(({ busyBefore }) => busyBefore));
  const calm = most <= 15 ? 'Nothing else ran.' : `Other work took up to ${most} % of the machine before a part began: trust the ratios.`;
  return `Measured by \`node bench/tuning/run.js\` with Node ${node} on ${machine.cores} cores, which servers and callers share. ${calm}`;
}

/** The page with its places filled. */
export function renderPage(text) {
  const results = JSON.parse(readFileSync(new URL('./results.json', import.meta.url), 'utf8'));
  const bench = JSON.parse(readFileSync(new URL('../results.json', import.meta.url), 'utf8'));
  const blocks = { about: about(results), costs: costs(bench), lives: lives(bench) };
  for (const [name, section] of Object.entries(sections))
    if (results.parts[name] !== undefined) blocks[name] = section(results.parts[name]);
  return text.replace(/(<!-- tuning:([\w-]+) -->\n).*?(<!-- \/tuning -->)/gs, (_whole, open, name, close) => {
    if (blocks[name] === undefined)
      throw new Error(`docs/tuning.md has a place for '${name}', and there are no such figures: node bench/tuning/run.js --write`);
    return `${open}\n${blocks[name]}\n\n${close}`;
  });
}

export function writePage() {
  writeFileSync(page, renderPage(readFileSync(page, 'utf8')));
}

if (isMain(import.meta.url)) {
  if (process.argv.includes('--check')) {
    const text = readFileSync(page, 'utf8');
    const problems =
      renderPage(text) === text
        ? []
        : ['docs/tuning.md is not what bench/tuning/results.json and bench/results.json say: node bench/tuning/render.js'];
    reportProblems('tuning-docs', problems, 'docs/tuning.md is up to date');
  } else writePage();
}
