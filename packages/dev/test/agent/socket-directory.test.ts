import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSvidStream } from './raw-client.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';
let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ephemos-test-'));
});

afterEach(async () => {
  await rm(scratch, { recursive: true });
});

describe('the directory of an agent', () => {
  it('is made with mode 0700, whatever the umask, and removed with the agent', async () => {
    const directory = join(scratch, 'sockets');
    const umask = process.umask(0o277);
    try {
      await using agent = await openDevAgent({ trustDomain, directory });
      expect((await lstat(agent.directory)).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(umask);
    }
    await expect(lstat(directory)).rejects.toThrow('ENOENT');
  });

  it('stays when it was there before', async () => {
    const directory = join(scratch, 'sockets');
    await mkdir(directory, { mode: 0o700 });
    await (await openDevAgent({ trustDomain, directory })).close();
    expect((await lstat(directory)).isDirectory()).toBe(true);
  });

  it.each([0o750, 0o701, 0o777])('is refused when it is open to others (%i)', async (mode) => {
    const directory = join(scratch, 'sockets');
    await mkdir(directory);
    await chmod(directory, mode);
    await expect(openDevAgent({ trustDomain, directory })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringContaining('is open to others'),
      hint: expect.stringContaining('chmod 700'),
    });
  });

  it('is refused when it is a symbolic link, also to a good one', async () => {
    const directory = join(scratch, 'link');
    await mkdir(join(scratch, 'good'), { mode: 0o700 });
    await symlink(join(scratch, 'good'), directory);
    await expect(openDevAgent({ trustDomain, directory })).rejects.toThrow('is a symbolic link');
  });

  it('is refused when it is a file, or when its parent is missing', async () => {
    await writeFile(join(scratch, 'file'), '');
    await expect(openDevAgent({ trustDomain, directory: join(scratch, 'file') })).rejects.toThrow('is not a directory');
    await expect(openDevAgent({ trustDomain, directory: join(scratch, 'a', 'b') })).rejects.toThrow('cannot be made');
  });

  it.runIf(process.getuid?.() === 0)('is refused when it belongs to another user', async () => {
    const directory = join(scratch, 'sockets');
    await mkdir(directory, { mode: 0o700 });
    await chown(directory, 65_534, 65_534);
    await expect(openDevAgent({ trustDomain, directory })).rejects.toThrow('belongs to uid 65534');
  });

  it('is refused when a socket path in it would be over 100 bytes', async () => {
    const directory = join(scratch, 'x'.repeat(100));
    await expect(openDevAgent({ trustDomain, directory })).rejects.toMatchObject({
      code: 'ERR_ENDPOINT_INVALID',
      message: expect.stringContaining('longer than 100 bytes'),
    });
    await expect(lstat(directory)).rejects.toThrow('ENOENT');
  });

  it('is refused while another agent runs in it, which goes on', async () => {
    const directory = join(scratch, 'sockets');
    await using agent = await openDevAgent({ trustDomain, directory });
    const endpoint = await agent.endpointFor(web);
    await expect(openDevAgent({ trustDomain, directory })).rejects.toThrow('another agent is listening');
    await using stream = openSvidStream(endpoint);
    expect((await stream.next()).svids).toHaveLength(1);
  });

  it('may hold the socket files of an agent that died', async () => {
    const directory = join(scratch, 'sockets');
    await mkdir(directory, { mode: 0o700 });
    const files = ['control.sock', 'agent.sock'].map((name) => join(directory, name));
    const listen = `for (const path of process.argv.slice(1)) require('node:net').createServer().listen(path, () => console.log(path))`;
    const child = spawn(process.execPath, ['-e', listen, ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.trim().split('\n').length === files.length) break;
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await lstat(files[0] ?? '')).isSocket()).toBe(true);
    await using agent = await openDevAgent({ trustDomain, directory });
    await using stream = openSvidStream(await agent.endpointFor(web));
    expect((await stream.next()).svids).toHaveLength(1);
  });

  it('may not hold a file that is no socket where a socket goes', async () => {
    const directory = join(scratch, 'sockets');
    await mkdir(directory, { mode: 0o700 });
    await writeFile(join(directory, 'control.sock'), 'precious');
    await expect(openDevAgent({ trustDomain, directory })).rejects.toThrow('is not a socket');
  });

  it('may have a path that a URI must encode', async () => {
    const directory = join(scratch, 'a b%#?');
    await using agent = await openDevAgent({ trustDomain, directory });
    const endpoint = await agent.endpointFor(web);
    expect(endpoint).toContain('a%20b%25%23%3F');
    await using stream = openSvidStream(endpoint);
    expect((await stream.next()).svids).toHaveLength(1);
  });
});
