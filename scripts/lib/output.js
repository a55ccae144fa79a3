// How the scripts print: one plain line for each step, with its seconds.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** True when the module with this import.meta.url is the script that was started, also by way of a symbolic link. */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}

/** The seconds since `start` (of performance.now()), as text. */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** Prints the problems a check found, one a line, and says how many; sets the exit code. */
export function reportProblems(name, problems, summary) {
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.stdout.write(problems.length === 0 ? `${name}: ok, ${summary}\n` : `${name}: ${problems.length} found\n`);
  if (problems.length > 0) process.exitCode = 1;
}

/** The first lines of what a failed program printed; npm alone prints 80 lines of usage after its one line of reason. */
export function head(output, lines = 40) {
  const all = output.trimEnd().split('\n');
  return all.length <= lines ? all.join('\n') : [...all.slice(0, lines), `... and ${all.length - lines} more lines`].join('\n');
}
