// ephemos doctor on files, as its users run it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos, start } from '../support/ephemos.ts';
import { elementsOf } from '../support/xml.ts';

const block = fileURLToPath(new URL('../doctor/guide/02-agent.conf', import.meta.url));
const host = fileURLToPath(new URL('../../../../deploy/spire/host', import.meta.url));

describe('ephemos doctor on files', () => {
  it('shows a checklist with file and line, and ends with 1 when something failed', async () => {
    const { code, stdout, stderr } = await ephemos(['doctor', block]);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toContain('id    node-attestation.production.verified.kubelet');
    expect(stdout).toContain(`at    ${block}:25`);
    expect(stdout).toMatch(/\n {2}skip {2}lives +there is no spire-server configuration\n/);
    expect(stdout).toMatch(/\n\d+ passed, 2 failed, 3 warnings, \d+ skipped\n$/);
  });

  it('ends with 0 when nothing is found, and with 5 for warnings that count', async () => {
    expect((await ephemos(['doctor', host, '--strict'])).code).toBe(0);
    const only = ['doctor', block, '--only', 'observability.wired'];
    expect((await ephemos(only)).code).toBe(0);
    expect((await ephemos([...only, '--strict'])).code).toBe(5);
  });

  it('reads standard input', async () => {
    await using command = start(['doctor', '-', '--format', 'json']);
    const { code, stdout } = await command.finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ counts: { fail: 0 }, exitCode: 0 });
  });

  it('gives JUnit, and SARIF with files relative to the working directory', async () => {
    await using directory = await openDirectory();
    await mkdir(join(directory.path, 'spire'));
    await writeFile(join(directory.path, 'spire', 'agent.conf'), 'agent {\n  insecure_bootstrap = true\n}\n');
    const options = { cwd: directory.path };
    const junit = await ephemos(['doctor', '.', '--format', 'junit'], options);
    expect(elementsOf(junit.stdout, 'failure').map(({ attributes }) => attributes['type'])).toContain(
      'node-attestation.production.verified.bootstrap',
    );
    const { stdout } = await ephemos(['doctor', 'spire', '--format', 'sarif', '--only', 'node-attestation.production.verified'], options);
    const document: { runs: { results: { ruleId: string; locations: unknown }[] }[] } = JSON.parse(stdout);
    expect(document.runs[0]?.results.map(({ ruleId, locations }) => [ruleId, locations])).toEqual([
      [
        'node-attestation.production.verified.bootstrap',
        [{ physicalLocation: { artifactLocation: { uri: 'spire/agent.conf', uriBaseId: '%SRCROOT%' }, region: { startLine: 2 } } }],
      ],
    ]);
  });

  it('joins the report of files with that of what runs', async () => {
    const { code, stdout } = await ephemos(['doctor', host, '--live', '--socket', 'unix:///nowhere/a.sock', '--format', 'json']);
    const { items }: { items: { id: string; rules: { id: string }[] }[] } = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(items.flatMap(({ rules }) => rules.map(({ id }) => id))).toEqual(
      expect.arrayContaining(['spire.reachable.socket', 'config.production.spire-keys']),
    );
  });

  it('refuses a path that is not there', async () => {
    const { code, stderr } = await ephemos(['doctor', '/nowhere']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: \/nowhere: there is no such file\n/);
  });
});
