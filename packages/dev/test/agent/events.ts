// Waits for events of an agent.
import type { DevAgentEvent, OnDevAgentEvent } from '@ephemos/dev';

/** Collects events and waits for ones that fit. */
export interface EventLog {
  readonly onEvent: OnDevAgentEvent;
  readonly events: readonly DevAgentEvent[];
  /** Resolves with the first event of the type that fits, past or future. */
  until<T extends DevAgentEvent['type']>(type: T, count?: number): Promise<void>;
}

export function createEventLog(): EventLog {
  const events: DevAgentEvent[] = [];
  const waiting = new Set<() => void>();
  return {
    events,
    onEvent(event) {
      events.push(event);
      for (const check of waiting) check();
    },
    until: (type, count = 1) =>
      new Promise((resolve) => {
        function check(): void {
          if (events.filter((event) => event.type === type).length < count) return;
          waiting.delete(check);
          resolve();
        }
        waiting.add(check);
        check();
      }),
  };
}
