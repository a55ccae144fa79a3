// Functions that hear of every change, in the same turn. One that throws stops neither the others nor whoever calls them.

/** A list of listeners. */
export interface Listeners {
  /** Adds a listener, also one that is there already. Returns the way to take it away. */
  add(listener: () => void): () => void;
  /** Calls those that are on the list now. What one throws is an uncaught exception, as with an EventTarget. */
  call(): void;
  clear(): void;
}

/** Makes an empty list. */
export function createListeners(): Listeners {
  const entries = new Set<{ readonly listener: () => void }>();
  return {
    add(listener) {
      const entry = { listener };
      entries.add(entry);
      return () => entries.delete(entry);
    },
    call() {
      // A copy: a listener that adds another would be called by it for ever.
      for (const entry of [...entries]) if (entries.has(entry)) callOne(entry.listener);
    },
    clear: () => entries.clear(),
  };
}

function callOne(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
