// The configurations of SPIRE among the documents, and what rules ask of them.
import type { HclKey, HclObject } from '../../../deploy/hcl/hcl-value.ts';
import { type Found, findAll, findText } from '../../../deploy/spire/hcl-lookup.ts';
import type { SpireProgram } from '../../../deploy/spire/key-table.ts';
import type { Finding, Place } from '../../check.ts';
import { type Document, documentsOf, type SpireConfDocument } from '../../documents/document.ts';
import { type Looked, lookAt } from '../manifests/rule.ts';

/** A configuration that could be parsed. */
export interface Conf extends SpireConfDocument {
  readonly program: SpireProgram;
  readonly root: HclObject;
}

/** The configurations of one program, or of both. */
export function confsOf(documents: readonly Document[], program?: SpireProgram): readonly Conf[] {
  return documentsOf(documents, 'spire-conf').flatMap((each) => {
    const { root, program: own } = each;
    return root === undefined || own === undefined || (program !== undefined && own !== program) ? [] : [{ ...each, root, program: own }];
  });
}

/** Looks at each configuration of a program, or of both. */
export function lookAtConfs(
  documents: readonly Document[],
  program: SpireProgram | undefined,
  judge: (conf: Conf) => Iterable<Finding>,
): Looked {
  return lookAt(confsOf(documents, program), judge);
}

/** A place of a configuration; without one, where the section of the program begins. */
export function placeIn({ file, root, program }: Conf, at?: { readonly line: number }): Place {
  return { file, line: (at ?? root.items.find(({ keys: [key] }) => key.name.toLowerCase() === program)?.keys[0])?.line };
}

/** A setting of the section of the program itself: `server` or `agent`. */
export function setting({ root, program }: Conf, ...path: readonly string[]): Found | undefined {
  return findAll(root, [program, ...path]).at(-1);
}

/** The text of a setting; undefined when it is none, or when a variable stands for it. */
export function settingText(
  { root, program }: Conf,
  ...path: readonly string[]
): { readonly key: HclKey; readonly text: string } | undefined {
  return findText(root, [program, ...path]);
}

/** A plugin as it is configured. */
export interface Plugin {
  readonly type: string;
  readonly name: string;
  readonly key: HclKey;
  readonly isExternal: boolean;
  /** A setting of plugin_data. */
  data(...path: readonly string[]): Found | undefined;
  all(...path: readonly string[]): readonly Found[];
}

/** The plugins of a type that are not switched off. */
export function pluginsOf({ root }: Conf, type: string): readonly Plugin[] {
  return findAll(root, ['plugins', type, '*']).flatMap(({ key, value }): readonly Plugin[] => {
    if (value.kind !== 'object') return [];
    const at = (path: readonly string[]): readonly Found[] => findAll(value, path);
    if (isSetTo(at(['enabled']).at(-1), false)) return [];
    return [
      {
        type,
        name: key.name,
        key,
        isExternal: at(['plugin_cmd']).length > 0,
        data: (...path) => at(['plugin_data', ...path]).at(-1),
        all: (...path) => at(['plugin_data', ...path]),
      },
    ];
  });
}

/** The text of a value; also of a number, and of one that a variable stands for. */
export function textOf(found: Found | undefined): string | undefined {
  return found === undefined || found.value.kind === 'object' || found.value.kind === 'list' ? undefined : found.value.text;
}

/** The texts of a list, or of one alone, each with its line. */
export function textsOf(found: Found | undefined): readonly { readonly text: string; readonly line: number }[] {
  if (found === undefined) return [];
  const values = found.value.kind === 'list' ? found.value.values : [found.value];
  return values.flatMap((each) => (each.kind === 'object' || each.kind === 'list' ? [] : [{ text: each.text, line: each.line }]));
}

/** Whether a switch is set so. SPIRE takes `"true"` too. */
export function isSetTo(found: Found | undefined, wanted: boolean): boolean {
  return textOf(found)?.toLowerCase() === String(wanted);
}
