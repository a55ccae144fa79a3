// Renders the JSON Schema of the configuration of @ephemos/service (as built) to packages/service/config.schema.json; with --check it only compares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, reportProblems } from './lib/output.js';
import { root } from './lib/workspace.js';

if (isMain(import.meta.url)) {
  const { configJsonSchema } = await import(pathToFileURL(join(root, 'packages/service/dist/index.js')).href);
  const path = join(root, 'packages/service/config.schema.json');
  const wanted = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  if (process.argv.includes('--check')) {
    const same = existsSync(path) && readFileSync(path, 'utf8') === wanted;
    reportProblems(
      'config-schema',
      same ? [] : ['packages/service/config.schema.json is not what its schema says: node scripts/render-config-schema.js'],
      'packages/service/config.schema.json is up to date',
    );
  } else {
    writeFileSync(path, wanted);
  }
}
