// Renders the table of error codes (packages/ephemos/src/errors.ts, as built) to docs/errors.md; with --check it only compares.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, reportProblems } from './lib/output.js';
import { root } from './lib/workspace.js';

/** The page for a table of code to meaning. */
export function renderErrors(codes) {
  const rows = Object.entries(codes).map(([code, meaning]) => `| \`${code}\` | ${meaning.replaceAll('|', '\\|')} |`);
  return `# Error codes

Every failure that Ephemos reports is an \`EphemosError\` with a stable \`code\`, a \`message\` that states the rule that was broken, and often a
\`hint\` that says what to do next. This page is written by \`node scripts/render-errors.js\` from \`packages/ephemos/src/errors.ts\`.

| code | meaning |
|---|---|
${rows.join('\n')}
`;
}

if (isMain(import.meta.url)) {
  const { errorCodes } = await import(pathToFileURL(join(root, 'packages/ephemos/dist/errors.js')).href);
  const page = join(root, 'docs/errors.md');
  const wanted = renderErrors(errorCodes);
  if (process.argv.includes('--check')) {
    const same = existsSync(page) && readFileSync(page, 'utf8') === wanted;
    reportProblems(
      'errors',
      same ? [] : ['docs/errors.md is not what packages/ephemos/src/errors.ts says: node scripts/render-errors.js'],
      'docs/errors.md is up to date',
    );
  } else {
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, wanted);
  }
}
