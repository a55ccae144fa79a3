// `npm run bench`: Ephemos beside the stock Node way, in interleaved rounds, as ratios. `-- --short` for a quick look, `-- <name>` for one part.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { benchGrpc, benchHttp } from './calls.js';
import { benchHandshakes } from './handshakes.js';
import { benchImport } from './import-cost.js';
import { benchRotation } from './rotation.js';
import { benchRotationUnderLoad } from './rotation-under-load.js';
import { benchService } from './service.js';

const parts = {
  handshakes: benchHandshakes,
  http: benchHttp,
  grpc: benchGrpc,
  service: benchService,
  rotation: benchRotation,
  load: benchRotationUnderLoad,
  import: benchImport,
};

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`error: there is no benchmark ${unknown.join(', ')}\nhint: there are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
const scale = values.short ? { rounds: 3, seconds: 1, loadSeconds: 6 } : { rounds: 7, seconds: 3, loadSeconds: 30 };
const major = Number(process.versions.node.split('.')[0]);
const rows = [];

console.log(
  `Ephemos beside stock Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}; medians of ${scale.rounds} interleaved rounds\n`,
);
for (const name of chosen) {
  const startedAt = performance.now();
  process.stdout.write(`${name} ...\n`);
  await parts[name]({ ...scale, report });
  console.log(`${name} took ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
}
printTable(rows);
if (chosen.length === Object.keys(parts).length) {
  writeFileSync(
    new URL('./results.json', import.meta.url),
    `${JSON.stringify({ node: process.version, cores: cpus().length, form: values.short ? 'short' : 'full', rounds: scale.rounds, rows }, null, 2)}\n`,
  );
}
const missed = rows.filter(({ met }) => met === false);
console.log(missed.length === 0 ? '\nevery target met' : `\n${missed.length} target(s) missed`);
// Correctness always counts; figures only when asked for, because this is a benchmark and not a timed test.
if (missed.some(({ mustHold }) => mustHold) || (values.strict && missed.length > 0)) process.exitCode = 1;

function report(row) {
  const bound = targetOf(row.target);
  const value = row.ratio ?? row.ours;
  const met = bound === undefined ? undefined : bound.least !== undefined ? value >= bound.least : value <= bound.most;
  rows.push({ ...row, target: bound, met });
  console.log(`  ${row.name}: ${format(value)}${bound === undefined ? '' : ` (target ${describe(bound)}: ${met ? 'met' : 'MISSED'})`}`);
}

function targetOf(target) {
  if (target === undefined) return undefined;
  const [[kind, byMajor]] = Object.entries(target);
  return { [kind]: typeof byMajor === 'number' ? byMajor : major >= 24 ? byMajor[24] : byMajor[20] };
}

function describe({ least, most }) {
  return least === undefined ? `<= ${most}` : `>= ${least}`;
}

function format(value) {
  return value === undefined ? '' : Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

function printTable(list) {
  const cells = [['what', 'ours', 'beside', 'unit', 'ratio', 'target', '', 'note']];
  for (const { name, ours, stock, unit, ratio, target, met, note = '' } of list) {
    cells.push([
      name,
      format(ours),
      format(stock),
      unit,
      format(ratio),
      target === undefined ? '' : describe(target),
      met === undefined ? '' : met ? 'ok' : 'missed',
      note,
    ]);
  }
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  for (const [index, row] of cells.entries()) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
    if (index === 0) console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  }
}
