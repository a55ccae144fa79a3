// Names in; every file of the stack that is no secret out, by name. The same in gives the same out.

import type { Names } from '../project/names.ts';
import { parseSpire } from '../spire/read-spire.ts';
import { renderSpire } from '../spire/render-spire.ts';
import { composeYaml } from './compose-yaml.ts';
import { clientConfig, serverConfig } from './echo-configs.ts';
import { outside } from './places.ts';
import { entriesFile, entriesJson } from './stack-entries.ts';
import { spireValues, spireYaml } from './stack-spire.ts';
import { nameOf } from './workloads.ts';

/** Renders a stack. */
export function renderStack(names: Names): ReadonlyMap<string, string> {
  const spire = renderSpire(parseSpire(spireValues(names)));
  return new Map([
    ['compose.yaml', composeYaml(names)],
    ['spire/spire.yaml', spireYaml(names)],
    ...[...spire].map(([name, text]) => [`spire/${name}`, text] as const),
    ['entries.yaml', entriesFile(names)],
    ['entries.json', entriesJson(names)],
    [`config/${nameOf(names, 'server')}.yaml`, serverConfig(names)],
    [`config/${nameOf(names, 'client')}.yaml`, clientConfig(names)],
    [
      '.gitignore',
      `# Keys, what SPIRE keeps, and who owns them on this machine: none of it belongs into a repository.\n/${outside.private}/\n/.env\n`,
    ],
  ]);
}
