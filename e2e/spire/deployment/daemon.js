// A program that comes and goes while a suite runs: started until it is ready, stopped, killed, started again.

/**
 * @typedef {object} Daemon
 * @property {() => Promise<void>} start resolves when it is ready
 * @property {() => Promise<void>} stop asks it to end, and waits until it has
 * @property {() => Promise<void>} kill ends it as a machine that loses power does
 * @property {() => import('../process.js').Program} program the one that runs, or ran last
 */

/**
 * @param {() => import('../process.js').Program} spawn
 * @param {(program: import('../process.js').Program) => Promise<void>} untilReady
 * @returns {Daemon}
 */
export function createDaemon(spawn, untilReady) {
  /** @type {import('../process.js').Program | undefined} */
  let current;
  const program = () => {
    if (current === undefined) throw new Error('it was never started');
    return current;
  };
  return {
    program,
    start: async () => {
      if (current?.running()) throw new Error(`${current.name} runs already`);
      current = spawn();
      await untilReady(current);
    },
    stop: async () => {
      await program().stop();
    },
    kill: async () => {
      await program().stop({ signal: 'SIGKILL' });
    },
  };
}
