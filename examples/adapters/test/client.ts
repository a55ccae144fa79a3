// The same tests for every client: its example against the server that it wants, against one of another SPIFFE ID, and where it is a stranger.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ids, openWorld, type World } from './world.ts';

export interface ClientExample {
  readonly file: string;
  /** The example that it calls, and on how many ports that one serves. */
  readonly server: string;
  readonly ports?: number;
  /** What it prints when all is well. */
  readonly output: string;
}

export function describeClient({ file, server: serverFile, ports = 1, output }: ClientExample): void {
  describe(file, () => {
    let world: World;
    beforeAll(async () => {
      world = await openWorld();
    });
    afterAll(() => world[Symbol.asyncDispose]());

    it('calls the server that it names, and ends', async () => {
      const server = await world.serve(serverFile, 'orders', ports);
      expect(await world.run(file, 'web', server.origins)).toEqual({ code: 0, stdout: output, stderr: '' });
      await server.stop();
    });

    it('refuses a server of another SPIFFE ID, with our code and both names in its error', async () => {
      const server = await world.serve(serverFile, 'wrong', ports);
      const exit = await world.run(file, 'web', server.origins);
      expect(exit).toMatchObject({ code: 1, stdout: '' });
      expect(exit.stderr).toContain('ERR_PEER_UNAUTHORIZED');
      expect(exit.stderr).toContain(`the authorizer does not admit ${ids.wrong}`);
      await server.stop();
    });

    it('says that the server may not authorize it, where it is a stranger', async () => {
      const server = await world.serve(serverFile, 'orders', ports);
      const exit = await world.run(file, 'stranger', server.origins);
      expect(exit).toMatchObject({ code: 1, stdout: '' });
      expect(exit.stderr).toContain('ERR_CONNECT_FAILED');
      expect(exit.stderr).toContain(`it may not authorize ${ids.stranger}`);
      await server.stop();
    });
  });
}
