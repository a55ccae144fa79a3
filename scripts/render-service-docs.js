// Renders what docs/service.md says of keys and metrics from @ephemos/service (as built) into its marked places; with --check it
// only compares. A place is everything from `<!-- rendered: NAME -->` to `<!-- /rendered -->`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, reportProblems } from './lib/output.js';
import { root } from './lib/workspace.js';

const page = join(root, 'docs/service.md');

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('\n', ' ');
const code = (text) => (text === undefined ? '' : `\`${String(text).replaceAll('|', '\\|')}\``);
const table = (head, rows) =>
  [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');

/** What a key takes, where its description does not say so. */
function bounds({ enum: words, minimum, maximum, description = '' }) {
  if (words?.some((word) => !description.includes(word))) return ` One of ${words.map(code).join(', ')}.`;
  return minimum === undefined || description.includes(`${minimum} to ${maximum}`) ? '' : ` From ${minimum} to ${maximum}.`;
}

/** The reference of the file: a table for each section. */
export function renderKeys(schema, settings) {
  return Object.entries(schema.properties)
    .map(([section, { description, properties }]) => {
      const rows = settings
        .filter(({ path }) => path[0] === section)
        .map((setting) => {
          const state = setting.required ? 'required' : code(setting.default);
          const meaning = `${cell(setting.description)}${bounds(properties[setting.path[1]])}`;
          return [code(setting.path.join('.')), code(setting.variable), state, meaning];
        });
      return `**${section}**: ${description}\n\n${table(['key', 'variable', 'default', 'meaning'], rows)}`;
    })
    .join('\n\n');
}

/** The metrics that are ours: those of the process are not the same on every system. The label `service` is on each and in no row. */
export function renderMetrics(metrics, reasons) {
  const rows = metrics
    .filter(({ name }) => !/^(process|nodejs)_/.test(name))
    .map(({ name, type, help, labelNames }) => {
      const labels = labelNames.filter((label) => label !== 'service').map(code);
      return [code(name), type, labels.join(', '), cell(help)];
    });
  const all = table(['metric', 'type', 'labels', 'meaning'], rows);
  return `${all}\n\nThe \`reason\` of a handshake that failed is one of ${reasons.map(code).join(', ')}.`;
}

/** The page with its marked places filled. */
export function fill(text, parts) {
  return text.replace(/(<!-- rendered: ([\w-]+) -->\n).*?(<!-- \/rendered -->)/gs, (whole, open, name, close) => {
    const part = parts[name];
    return part === undefined ? whole : `${open}\n${part}\n\n${close}`;
  });
}

if (isMain(import.meta.url)) {
  const built = (path) => import(pathToFileURL(join(root, 'packages/service/dist', path)).href);
  const { configJsonSchema, listSettings } = await built('index.js');
  const { createMetrics } = await built('metrics/create-metrics.js');
  const { refusalReasons } = await built('metrics/refusal-reason.js');
  const { registry, close } = createMetrics({ service: 'any', version: '0', readiness: () => ({ ok: true, checks: [] }) });
  const parts = {
    keys: renderKeys(configJsonSchema(), listSettings()),
    metrics: renderMetrics(registry.getMetricsAsArray(), refusalReasons),
  };
  close();
  const text = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const wanted = fill(text, parts);
  if (process.argv.includes('--check')) {
    const missing = Object.keys(parts).filter((name) => !text.includes(`<!-- rendered: ${name} -->`));
    const problems = [
      ...missing.map((name) => `docs/service.md has no place for '${name}': <!-- rendered: ${name} --> <!-- /rendered -->`),
      ...(text === wanted ? [] : ['docs/service.md is not what @ephemos/service says: node scripts/render-service-docs.js']),
    ];
    reportProblems('service-docs', problems, 'docs/service.md is up to date');
  } else {
    writeFileSync(page, wanted);
  }
}
