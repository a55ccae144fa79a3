// Finds the declarations behind the names an entry point exports, and tells which lack a TSDoc comment.
import { dirname, resolve } from 'node:path';
import { readSource } from './source-file.js';

const parsed = new Map();

function read(path) {
  if (!parsed.has(path)) parsed.set(path, readSource(path));
  return parsed.get(path);
}

/** The names that a declaration statement declares, with the statement. */
function declaredNames(statement) {
  if (statement?.type === 'VariableDeclaration') return statement.declarations.map(({ id }) => id.name);
  return statement?.id?.name === undefined ? [] : [statement.id.name];
}

/** The top-level statements of a file that declare `name` (overloads are several). */
function declarationsOf({ program }, name) {
  return program.body.filter((statement) => declaredNames(statement.declaration ?? statement).includes(name));
}

function hasDoc({ text, comments }, statement) {
  return comments.some(
    ({ type, value, end, start }) =>
      type === 'Block' && value.startsWith('*') && start < statement.start && text.slice(end, statement.start).trim() === '',
  );
}

/** Where `name` of the file `path` is declared: { source, statements }, following re-exports and imports; undefined outside our files. */
function find(path, name) {
  const source = read(path);
  const own = declarationsOf(source, name);
  if (own.length > 0) return { source, statements: own };
  for (const node of source.program.body) {
    const specifiers = node.type === 'ExportNamedDeclaration' || node.type === 'ImportDeclaration' ? node.specifiers : [];
    const found = specifiers.find((each) => (each.exported ?? each.local)?.name === name);
    if (found !== undefined) {
      const inner = (found.imported ?? found.local)?.name;
      if (node.source?.value.startsWith('.')) return find(resolve(dirname(path), node.source.value), inner);
      if (node.source === null && inner !== name) return find(path, inner);
      if (node.source !== null) return undefined;
    }
    if (node.type === 'ExportAllDeclaration' && node.exported === null && node.source.value.startsWith('.')) {
      const deeper = find(resolve(dirname(path), node.source.value), name);
      if (deeper !== undefined) return deeper;
    }
  }
  return undefined;
}

/** The names a file exports. */
function exportedNames(path) {
  return read(path).program.body.flatMap((node) => {
    if (node.type === 'ExportAllDeclaration') {
      if (node.exported !== null) return [node.exported.name];
      return node.source.value.startsWith('.') ? exportedNames(resolve(dirname(path), node.source.value)) : [];
    }
    if (node.type !== 'ExportNamedDeclaration') return [];
    return [...declaredNames(node.declaration), ...node.specifiers.map(({ exported }) => exported.name)];
  });
}

/** The exports of the entry point `path` without a TSDoc comment: { name, file, line }. Generated code is not ours to comment. */
export function undocumentedExports(path) {
  return exportedNames(path).flatMap((name) => {
    const found = find(path, name);
    if (found === undefined || found.source.path.endsWith('_pb.ts')) return [];
    const { source, statements } = found;
    if (statements.some((statement) => hasDoc(source, statement))) return [];
    return [{ name, file: source.path, line: source.lineOf(statements[0].start) }];
  });
}
