// What a command has of the process around it; main.ts makes the real one.

/** How a command answers. */
export type Format = 'text' | 'json';

/** A terminal that can be drawn on. */
export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  /** Called when the size has changed, until the returned function is called. */
  onResize(listener: () => void): () => void;
}

/** The process around a command. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output takes colours. */
  readonly color: boolean;
  /** Columns of the terminal; undefined when standard output is none. */
  readonly width: number | undefined;
  /** The terminal; undefined when standard output is none, or one that cannot move its cursor. */
  readonly screen: Screen | undefined;
  print(text: string): void;
  printError(text: string): void;
  /** The exit code to end with, when it is not 0. */
  finish(exitCode: number): void;
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP, and when nobody reads the output any more. Asking for it is what catches
   * the signals; a second SIGINT or SIGTERM kills.
   */
  untilStopped(): AbortSignal;
  /** Hands the signals that others send to this process to a child, until the returned function is called. */
  forwardSignals(send: (signal: NodeJS.Signals) => void): () => void;
}
