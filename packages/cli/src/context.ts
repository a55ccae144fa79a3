// What a command has of the process around it; main.ts makes the real one.

/** How a command answers. */
export type Format = 'text' | 'json';

/** The process around a command. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output takes colours. */
  readonly color: boolean;
  print(text: string): void;
  printError(text: string): void;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP; from the second on they kill. Asking for it is what catches them. */
  untilStopped(): AbortSignal;
}
