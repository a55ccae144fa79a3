// A log whose lines stay in memory.
import type { Logger } from 'pino';
import { createLogger, type LoggerOptions } from '../../src/logs/create-logger.ts';

export interface MemoryLog {
  readonly log: Logger;
  /** What was written, each with its line break. */
  readonly lines: readonly string[];
  /** The same, parsed. */
  parsed(): readonly Readonly<Record<string, unknown>>[];
  clear(): void;
}

export function createMemoryLog(options: Partial<LoggerOptions> = {}): MemoryLog {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', service: 'orders', destination: { write: (line) => void lines.push(line) }, ...options });
  return {
    log,
    lines,
    parsed: () => lines.map(parse),
    clear: () => void lines.splice(0),
  };
}

function parse(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new TypeError(`no line: ${line}`);
  return { ...value };
}
