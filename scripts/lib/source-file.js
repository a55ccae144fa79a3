// Turns a TypeScript file into what the checks ask about: its imports, and where it touches the process or another global.
import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';

/** Calls `visit(node, parent, key)` for each node of an ESTree. */
function walk(node, visit, parent, key) {
  visit(node, parent, key);
  for (const [name, value] of Object.entries(node)) {
    if (Array.isArray(value)) {
      for (const each of value) if (typeof each?.type === 'string') walk(each, visit, node, name);
    } else if (typeof value?.type === 'string') walk(value, visit, node, name);
  }
}

const watchedGlobals = new Set(['process', 'console', 'globalThis', 'global', 'fetch', 'WebSocket', 'EventSource', 'require']);

/** Names that a file may use for a function of its own. */
const mayBeShadowed = new Set(['fetch']);

/** False for names that are not references to a variable: properties, keys, import and export names, types. */
function isReference(parent, key) {
  if (parent === undefined || (parent.type.startsWith('TS') && key !== 'expression')) return false;
  if (parent.type === 'MemberExpression') return key === 'object' || parent.computed;
  if (key === 'key') return parent.computed;
  return !/^(Import|Export).*Specifier$/.test(parent.type) && !(key === 'id' || key === 'params' || key === 'label');
}

/** What one import names and where; type-only imports are erased before the code runs. */
function importOf(node) {
  switch (node.type) {
    case 'ImportDeclaration': {
      const typeOnly =
        node.importKind === 'type' || (node.specifiers.length > 0 && node.specifiers.every((each) => each.importKind === 'type'));
      return { specifier: node.source.value, typeOnly, dynamic: false };
    }
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.source ? { specifier: node.source.value, typeOnly: node.exportKind === 'type', dynamic: false } : undefined;
    case 'ImportExpression':
      return { specifier: node.source.type === 'Literal' ? node.source.value : undefined, typeOnly: false, dynamic: true };
    case 'TSImportType':
      return { specifier: node.source.value, typeOnly: true, dynamic: false };
    case 'TSExternalModuleReference':
      return { specifier: node.expression.value, typeOnly: false, dynamic: false };
    default:
      return undefined;
  }
}

/**
 * Parses a file: `imports` are { specifier, typeOnly, dynamic, line } (specifier undefined when it is computed), `globals` are
 * { name, member, line } for each use of a watched global, member being the property that is read, when it is written out.
 */
export function readSource(path) {
  const text = readFileSync(path, 'utf8');
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0].message}`);
  const lineOf = (offset) => text.slice(0, offset).split('\n').length;
  const imports = [];
  const globals = [];
  const declared = new Set();
  walk(program, (node, parent, key) => {
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, line: lineOf(node.start) });
    if (node.type === 'Identifier' && (key === 'id' || key === 'params' || key === 'local')) declared.add(node.name);
    if (node.type === 'Identifier' && watchedGlobals.has(node.name) && isReference(parent, key)) {
      const member = parent.type === 'MemberExpression' && key === 'object' && !parent.computed ? parent.property.name : undefined;
      globals.push({ name: node.name, member, line: lineOf(node.start) });
    }
  });
  return {
    path,
    text,
    program,
    comments,
    imports,
    globals: globals.filter(({ name }) => !declared.has(name) || !mayBeShadowed.has(name)),
    lineOf,
  };
}
