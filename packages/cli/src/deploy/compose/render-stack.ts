// Answers in; every file of the stack that is no secret out, by name. The same in gives the same out.
import { parseSpire } from '../spire/read-spire.ts';
import { renderSpire } from '../spire/render-spire.ts';
import { type Answers, nameOf } from './answers.ts';
import { composeYaml } from './compose-yaml.ts';
import { clientConfig, serverConfig } from './echo-configs.ts';
import { outside } from './places.ts';
import { entriesFile, entriesJson } from './stack-entries.ts';
import { spireValues, spireYaml } from './stack-spire.ts';

/** Renders a stack. */
export function renderStack(answers: Answers): ReadonlyMap<string, string> {
  const spire = renderSpire(parseSpire(spireValues(answers)));
  return new Map([
    ['compose.yaml', composeYaml(answers)],
    ['spire/spire.yaml', spireYaml(answers)],
    ...[...spire].map(([name, text]) => [`spire/${name}`, text] as const),
    ['entries.yaml', entriesFile(answers)],
    ['entries.json', entriesJson(answers)],
    [`config/${nameOf(answers, 'server')}.yaml`, serverConfig(answers)],
    [`config/${nameOf(answers, 'client')}.yaml`, clientConfig(answers)],
    [
      '.gitignore',
      `# Keys, what SPIRE keeps, and who owns them on this machine: none of it belongs into a repository.\n/${outside.private}/\n/.env\n`,
    ],
  ]);
}
