import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos, lines, main, start } from '../support/ephemos.ts';
import { configOf, openPlaintextService } from '../support/plaintext-service.ts';

describe('ephemos top', () => {
  it('prints one page with --once', async () => {
    await using service = await openPlaintextService();
    const { code, stdout, stderr } = await ephemos(['top', '--once', '--health', service.address, '--metrics', service.address]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('identity  spiffe://example.org/orders\n');
    expect(stdout).toContain('ready     yes\n');
    expect(stdout).not.toContain('\u001b');
  });

  it('ends --once with 1 when something does not answer', async () => {
    await using service = await openPlaintextService();
    const gone = await openPlaintextService();
    await gone[Symbol.asyncDispose]();
    for (const args of [
      ['--health', gone.address, '--metrics', service.address],
      ['--health', service.address, '--metrics', gone.address],
      ['--metrics', gone.address],
    ]) {
      const { code, stdout } = await ephemos(['top', '--once', ...args]);
      expect(code).toBe(1);
      expect(stdout).toContain(`connect ECONNREFUSED ${gone.address}`);
    }
  });

  it('asks nobody but whom it was told to', async () => {
    await using service = await openPlaintextService();
    expect(await ephemos(['top', '--once', '--metrics', service.address])).toMatchObject({ code: 0 });
    expect(service.asked).toEqual(['/metrics']);
    expect(await ephemos(['top', '--once', '--health', service.address])).toMatchObject({ code: 0 });
    expect(service.asked).toEqual(['/metrics', '/readyz']);
  });

  it('reads the addresses from the configuration, and those that are given go before it', async () => {
    await using service = await openPlaintextService();
    await using directory = await openDirectory();
    const file = join(directory.path, 'config.yaml');
    await writeFile(file, `${configOf(`:${service.port}`, '127.0.0.1:9')}`);
    const { stdout } = await ephemos(['top', '--once', '--format', 'json', '--metrics', service.address, '--config', file]);
    expect(JSON.parse(stdout)).toMatchObject({
      health: { address: service.address },
      metrics: { address: service.address, reachable: true },
    });
    expect(await ephemos(['top', '--once', '--config', join(directory.path, 'none.yaml')])).toMatchObject({ code: 3, stdout: '' });
  });

  it('prints a line per look without a terminal, until Ctrl-C', async () => {
    await using service = await openPlaintextService();
    await using top = start(['top', '--interval', '100ms', '--health', service.address, '--metrics', service.address]);
    await top.until(/requests 0\/s.*\n.*requests 0\/s/);
    service.answers.probe = { ok: false, checks: [{ name: 'database', ok: false, reason: 'gone' }] };
    service.answers.scrape = service.answers.scrape.replace(/(agent_connection_status\{.*\}) 1/, '$1 0');
    const text = await top.until(/not ready: database \(gone\).*agent lost/);
    expect(text.split('\n')[0]).toMatch(/^\d\d:\d\d:\d\dZ {2}ready {2}spiffe:\/\/example\.org\/orders /);
    expect(await top.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' });
  });

  it('shows a service that is not there, and finds it when it is', async () => {
    const gone = await openPlaintextService();
    const { port, address } = gone;
    await gone[Symbol.asyncDispose]();
    await using top = start(['top', '--interval', '100ms', '--format', 'json', '--health', address, '--metrics', address]);
    await top.until(/"reachable":false/);
    await using service = await openPlaintextService(port);
    await top.until(/"metrics":\{"address":"[^"]*","reachable":true/);
    const { code, stdout } = await top.stop('SIGTERM');
    expect(code).toBe(0);
    expect(lines(stdout)[0]).toMatchObject({ metrics: { reachable: false, reason: `connect ECONNREFUSED ${address}` }, service: null });
    expect(lines(stdout).at(-1)).toMatchObject({ service: { name: 'orders' } });
    expect(service.asked).toContain('/metrics');
  });

  it('says what answers there when it is something else', async () => {
    await using service = await openPlaintextService();
    service.answers.scrape = '<html>hello</html>';
    const { stdout } = await ephemos(['top', '--once', '--metrics', service.address]);
    expect(stdout).toContain('these are no metrics of Ephemos');
    service.answers.scrape = 'x'.repeat(9 * 1024 * 1024);
    expect((await ephemos(['top', '--once', '--metrics', service.address])).stdout).toContain('the answer is longer than 8 MiB');
  });

  it('ends at once on Ctrl-C while an answer hangs', async () => {
    await using service = await openPlaintextService();
    service.answers.probe = undefined;
    await using top = start(['top', '--health', service.address]);
    while (service.asked.length === 0) await new Promise(setImmediate);
    const began = performance.now();
    expect(await top.stop('SIGINT')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  // The command of util-linux, which runs another one in a terminal of its own.
  it.skipIf(process.platform !== 'linux' || !existsSync('/usr/bin/script'))('leaves the terminal as it was', async () => {
    await using service = await openPlaintextService();
    const command = `exec ${process.execPath} ${main} top --interval 100ms --health ${service.address} --metrics ${service.address}`;
    const { PATH = '' } = process.env;
    const child = spawn('/usr/bin/script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { PATH, TERM: 'xterm', NO_COLOR: '1', LANG: 'C.UTF-8', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let text = '';
    const drawn = new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (/HTTP requests +0\/s/.test(text)) resolve();
      });
    });
    await drawn;
    // What the key gives the terminal.
    child.stdin.write('\u0003');
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(0);
    expect(text.startsWith('\u001b[?1049h\u001b[?25l\u001b[?7l')).toBe(true);
    expect(text.trimEnd().endsWith('\u001b[?7h\u001b[?25h\u001b[?1049l')).toBe(true);
    expect(text).toContain('identity  spiffe://example.org/orders');
    expect(text).not.toContain('\u001b[32m');
    expect(text).toContain('Ctrl-C ends');
  });
});
