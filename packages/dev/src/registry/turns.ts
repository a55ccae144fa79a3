// Runs asynchronous changes one after the other, in the order they were asked for.

/** Takes a change and resolves with its result; a change that fails does not stop the ones behind it. */
export type InTurn = <T>(change: () => Promise<T>) => Promise<T>;

/** A queue of its own. */
export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const result = last.then(change);
    last = result.catch(() => undefined);
    return result;
  };
}
