// Turns the Go sources of SPIRE into the table of every key that it reads (packages/cli/src/deploy/spire/known-keys.ts), and says whether the table is
// up to date: `node e2e/spire/config/known-keys.js [--check]`. The release is the one that recipe/go.mod pins.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pinnedVersion } from '../install.js';

const run = promisify(execFile);
const module = 'github.com/spiffe/spire';
const target = fileURLToPath(new URL('../../../packages/cli/src/deploy/spire/known-keys.ts', import.meta.url));
const lineWidth = 130;

/** Types that are no structs of SPIRE's own: what stands below such a key is not looked at, or is said here. */
const asSaid = new Map([
  ['run.Config.plugins', undefined],
  // Decoded from the syntax tree, each by a struct of its own.
  ['run.bundleEndpointConfig.profile', 'bundleEndpointConfigProfile'],
  ['run.federatesWithConfig.bundle_endpoint_profile', 'bundleEndpointProfileConfig'],
  ['sqlstore.configuration.database_type', 'dbTypeConfig'],
]);

/** Where SPIRE's Go module is; fetched when it is not there yet. Rejects without Go. */
export async function spireSource() {
  const folder = mkdtempSync(join(tmpdir(), 'ephemos-go-'));
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', `${module}@v${pinnedVersion()}`], {
      cwd: folder,
      env: { ...process.env, GOWORK: 'off', GOFLAGS: '-mod=mod' },
    });
    return String(JSON.parse(stdout).Dir);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @typedef {object} Field
 * @property {string} type as it is written
 * @property {string} key empty for a struct that is squashed into this one
 */

/**
 * @typedef {object} GoPackage
 * @property {string} name
 * @property {string} text
 * @property {Map<string, string>} imports the path of each imported package below the module, by its name
 * @property {Map<string, Field[]>} structs
 */

/**
 * @param {string} source
 * @returns {(path: string) => GoPackage}
 */
function createReader(source) {
  /** @type {Map<string, GoPackage>} */
  const read = new Map();
  return (path) => {
    const known = read.get(path);
    if (known !== undefined) return known;
    const files = readdirSync(join(source, path)).filter((file) => /^(?!.*_(test|windows)\.go$).*\.go$/.test(file));
    const text = files.map((file) => readFileSync(join(source, path, file), 'utf8')).join('\n');
    const imports = [...text.matchAll(/^\s*(\w+)?\s*"github\.com\/spiffe\/spire\/([^"]+)"$/gm)].map(([, alias, to = '']) => {
      const own = alias ?? to.split('/').at(-1) ?? '';
      return /** @type {[string, string]} */ ([own, to]);
    });
    const structs = [...text.matchAll(/^type (\w+) struct ?\{(?:\n([\s\S]*?)^)?\}/gm)].map(([, name = '', body = '']) => {
      const fields = [...body.matchAll(/^\s*(?:\w+[ \t]+)?([\w.*[\]]+)[ \t]+`[^`]*?hcl:"([^"]*)"/gm)].flatMap(([, type = '', tag = '']) => {
        const [key = '', option] = tag.split(',');
        if (key === '-' || option === 'unusedKeyPositions') return [];
        return [{ type, key }];
      });
      return /** @type {[string, Field[]]} */ ([name, fields]);
    });
    const found = {
      name: /^package (\w+)/m.exec(text)?.[1] ?? '',
      text,
      imports: new Map(imports),
      structs: new Map(structs),
    };
    read.set(path, found);
    return found;
  };
}

/**
 * Every line of the table, `section: key key`. A section that may stand there more than once ends in `[]`, a key that may be anything is `*`.
 * @param {string} source the folder of SPIRE's module
 * @param {'server' | 'agent'} part
 * @returns {string[]}
 */
function tableOf(source, part) {
  const read = createReader(source);
  /** @type {Map<string, Set<string>>} */
  const sections = new Map();
  /** @param {string} section */
  const section = (section) => {
    const known = sections.get(section) ?? new Set();
    sections.set(section, known);
    return known;
  };

  /**
   * @param {GoPackage} pkg
   * @param {string} type
   * @param {string} at
   */
  function addStruct(pkg, type, at) {
    const keys = section(at);
    for (const field of pkg.structs.get(type) ?? []) {
      if (field.key === '') {
        const inner = locate(pkg, field.type);
        if (inner === undefined) throw new Error(`${pkg.name}.${type}: ${field.type} is squashed, and is no struct that can be found`);
        addStruct(inner.pkg, inner.name, at);
        continue;
      }
      keys.add(field.key);
      const said = `${pkg.name}.${type}.${field.key}`;
      const below = asSaid.has(said) ? asSaid.get(said) : field.type;
      if (below === undefined) continue;
      const inner = locate(pkg, below);
      if (inner === undefined) continue;
      const path = at === '' ? field.key : `${at}.${field.key}`;
      if (/^\*?map\[/.test(below)) {
        section(path).add('*');
        addStruct(inner.pkg, inner.name, `${path}.*`);
      } else addStruct(inner.pkg, inner.name, below.startsWith('[]') ? `${path}[]` : path);
    }
  }

  /**
   * @param {GoPackage} pkg
   * @param {string} type
   */
  function locate(pkg, type) {
    const [first = '', second] = type.replace(/^(\*|\[\]|map\[string\])+/, '').split('.');
    if (second === undefined) return pkg.structs.has(first) ? { pkg, name: first } : undefined;
    const path = pkg.imports.get(first);
    if (path === undefined) return undefined;
    const other = read(path);
    return other.structs.has(second) ? { pkg: other, name: second } : undefined;
  }

  /**
   * The struct that a plugin decodes its configuration into; none when it has no configuration.
   * @param {GoPackage} pkg
   */
  function configurationOf(pkg) {
    const [, variable] = /hcl\.Decode\(&?(\w+), /.exec(pkg.text) ?? [];
    if (variable === undefined) return undefined;
    const declared = new RegExp(`\\b${variable} := (?:new\\((\\w+)\\)|&?(\\w+)\\{)|var ${variable} (\\w+)`).exec(pkg.text);
    const type = declared?.slice(1).find((each) => each !== undefined);
    if (type === undefined || !pkg.structs.has(type)) throw new Error(`${pkg.name}: cannot tell what its configuration is decoded into`);
    return type;
  }

  /** @param {GoPackage} pkg */
  function pluginName(pkg) {
    const [, literal, constant = ''] = /MakeBuiltIn\((?:"([^"]+)"|([\w.]+))/.exec(pkg.text) ?? [];
    if (literal !== undefined) return literal;
    const [first = '', second] = constant.split('.');
    const other = second === undefined ? pkg : read(pkg.imports.get(first) ?? '');
    const [, text, alias] =
      new RegExp(`\\b${second ?? first}\\s+=\\s+(?:"([^"]+)"|(\\w+)\\.)`).exec(other.text.replace(/const (\w+) =/g, '$1  =')) ?? [];
    if (text === undefined) throw new Error(`${pkg.name}: cannot tell its name (${constant}, ${alias ?? ''})`);
    return text;
  }

  const config = read(`cmd/spire-${part}/cli/run`);
  addStruct(config, 'Config', '');
  const types = read(`pkg/${part}/catalog`);
  const folders = readdirSync(join(source, `pkg/${part}/plugin`));
  const typeNames = new Map([...types.text.matchAll(/\b(\w+)Type\s+=\s+"(\w+)"/g)].map(([, , name = '']) => [name.toLowerCase(), name]));
  for (const folder of folders) {
    const type = typeNames.get(folder);
    if (type === undefined) throw new Error(`pkg/${part}/plugin/${folder}: its type is not in the catalog`);
    section('plugins').add(type);
    for (const [, imported = ''] of types.text.matchAll(
      new RegExp(`"github\\.com/spiffe/spire/(pkg/${part}/plugin/${folder}/\\w+)"`, 'g'),
    )) {
      const pkg = read(imported);
      const name = pluginName(pkg);
      section(`plugins.${type}`).add(name);
      const common = /sshpop\.Build(Server|Client)Config/.exec(pkg.text)?.[1];
      if (common !== undefined) addStruct(read('pkg/common/plugin/sshpop'), `${common}Config`, `plugins.${type}.${name}`);
      else addStruct(pkg, configurationOf(pkg) ?? '', `plugins.${type}.${name}`);
    }
  }
  if (part === 'server') {
    section('plugins').add('DataStore');
    section('plugins.DataStore').add('sql');
    addStruct(read('pkg/server/datastore/sqlstore'), 'configuration', 'plugins.DataStore.sql');
  }
  return [...sections].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, keys]) => `${name}: ${[...keys].sort().join(' ')}`.trimEnd());
}

/**
 * The keys of a plugin itself, above its own configuration.
 * @param {string} source
 */
function pluginKeys(source) {
  const fields = createReader(source)('pkg/common/catalog').structs.get('hclPluginConfig') ?? [];
  return fields.map(({ key }) => key).sort();
}

/** @param {string} line */
function wrapped(line) {
  /** @type {string[]} */
  const lines = [];
  let current = '';
  for (const word of line.split(' ')) {
    if (current.length + 1 + word.length > lineWidth) {
      lines.push(current);
      current = `  ${word}`;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].join('\n');
}

/**
 * The file with the table.
 * @param {string} source the folder of SPIRE's module
 * @returns {string}
 */
export function renderKnownKeys(source) {
  /** @param {'server' | 'agent'} part */
  const table = (part) => tableOf(source, part).map(wrapped).join('\n');
  return `// Every key that SPIRE reads, as its Go sources say: written by \`node e2e/spire/config/known-keys.js\`.
// One section a line, \`section: key key\`: \`[]\` after a section that may stand there more than once, \`*\` for a key that may be anything.

/** The release that the tables are of. */
export const SPIRE_VERSION = '${pinnedVersion()}';

/** The keys of a plugin itself, above its own configuration in plugin_data. */
export const PLUGIN_KEYS = '${pluginKeys(source).join(' ')}';

/** The keys of spire-server. */
export const SERVER_KEYS = \`
${table('server')}
\`;

/** The keys of spire-agent. */
export const AGENT_KEYS = \`
${table('agent')}
\`;
`;
}

/** @param {string} source */
export function isUpToDate(source) {
  return readFileSync(target, 'utf8') === renderKnownKeys(source);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const source = await spireSource();
  if (!process.argv.includes('--check')) writeFileSync(target, renderKnownKeys(source));
  else if (!isUpToDate(source)) {
    process.stderr.write('error: known-keys.ts is not what the sources of SPIRE say: node e2e/spire/config/known-keys.js\n');
    process.exitCode = 1;
  }
}
