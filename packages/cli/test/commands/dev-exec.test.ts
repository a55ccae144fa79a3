import { constants } from 'node:os';
import { openDevAgent } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { ephemos, main, start } from '../support/ephemos.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';

describe('ephemos dev exec', () => {
  it('gives the command an identity and passes its output and exit code on', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const exec = ['dev', 'exec', '--as', web, '--directory', agent.directory, '--'];
    const whoami = await ephemos([...exec, process.execPath, main, 'whoami', '--format', 'json']);
    expect(whoami).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(whoami.stdout).svids[0].id).toBe(web);
    const failing = await ephemos([...exec, process.execPath, '-e', 'console.error("to stderr"); process.exit(42)']);
    expect(failing).toMatchObject({ code: 42, stdout: '', stderr: 'to stderr\n' });
  });

  it('leaves every word of the command alone, also those that look like flags of ours', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
    const exec = ['dev', 'exec', '--as', web, '--directory', agent.directory];
    const words = ['--', '--as', 'x', '--help', '', 'a b'];
    const { stdout } = await ephemos([...exec, '--', process.execPath, '-e', script, ...words]);
    expect(JSON.parse(stdout)).toEqual(words.slice(1));
    const bare = await ephemos([...exec, process.execPath, '-p', '"ran"']);
    expect(bare).toMatchObject({ code: 0, stdout: 'ran\n' });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('forwards %s and returns what the command made of it', async (signal) => {
    await using agent = await openDevAgent({ trustDomain });
    const script = `process.on('${signal}', () => process.exit(7)); setInterval(() => {}, 1000); console.log('ready')`;
    await using exec = start(['dev', 'exec', '--as', web, '--directory', agent.directory, '--', process.execPath, '-e', script]);
    await exec.until(/ready/);
    expect(await exec.stop(signal)).toMatchObject({ code: 7, signal: null });
  });

  it('ends with 128 + n when signal n ended the command', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const script = 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)';
    const { code } = await ephemos(['dev', 'exec', '--as', web, '--directory', agent.directory, '--', process.execPath, '-e', script]);
    expect(code).toBe(128 + constants.signals.SIGKILL);
  });

  it('says that the command was not found, or cannot be run', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const exec = ['dev', 'exec', '--as', web, '--directory', agent.directory];
    const missing = await ephemos([...exec, '--', 'no-such-command-anywhere']);
    expect(missing).toMatchObject({ code: 127, stderr: expect.stringContaining('"no-such-command-anywhere" was not found\nhint: ') });
    const directory = await ephemos([...exec, '--format', 'json', '--', '/']);
    expect(directory.code).toBe(126);
    expect(JSON.parse(directory.stderr)).toMatchObject({ error: { code: 'ERR_COMMAND_NOT_STARTED' }, exitCode: 126 });
  });

  it('ends with 1 and a hint when no agent runs, and with 3 for an ID that it cannot give', async () => {
    const agent = await openDevAgent({ trustDomain });
    const exec = (id: string) => ephemos(['dev', 'exec', '--as', id, '--directory', agent.directory, '--', 'true']);
    expect(await exec('spiffe://other.example/a')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('is not a workload of the trust domain example.org\nhint: '),
    });
    expect(await exec('spiffe://example.org/a/../b')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--as "spiffe://example.org/a/../b": '),
    });
    await agent.close();
    expect(await exec(web)).toMatchObject({
      code: 1,
      stderr: `error: no development agent runs in ${agent.directory}\nhint: start one with "ephemos dev", or name the directory of the one that runs with --directory\n`,
    });
  });
});
