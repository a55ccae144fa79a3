// The log of a service: what happened in, lines of JSON without secrets out.
import { isEphemosError } from 'ephemos/errors';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/config.ts';
import { cutText, plainFields } from './plain-value.ts';
import { scrubLine } from './scrub-line.ts';

/** What {@link createLogger} takes. */
export interface LoggerOptions {
  /** How loud it is. Lines below are not made. */
  readonly level: LogLevel;
  /** The name of the service, in every line. */
  readonly service: string;
  /** Where lines go, each with its line break; default standard output. It is only given what may be written. */
  readonly destination?: DestinationStream | undefined;
  /** The trace and span of now, such as `{ trace_id, span_id }`, for every line. */
  readonly traceIds?: (() => object | undefined) | undefined;
}

// What may wait when standard output takes nothing because its disk is full; what is over is lost.
const MAX_WAITING_BYTES = 1_048_576;

/**
 * Makes a log of JSON lines: `level`, `time` (ISO 8601, UTC), `service`, then the fields and `msg`. Keys, tokens, certificates and passwords are
 * taken out of the finished line, wherever they come from; a line has at most 16 KiB. A call never throws.
 *
 * Lines are written before the call returns. Nothing is lost when the process exits, throws or is killed, and a line costs one system call; a
 * reader of standard output that stops to read stops the process as soon as its pipe is full, as it would with `console.log`.
 * @example
 * const log = createLogger({ level: 'info', service: 'orders' });
 * log.warn({ err, order: 7 }, 'an order was not stored');
 */
export function createLogger({ level, service, destination, traceIds }: LoggerOptions): Logger {
  const sink = destination ?? standardOutput();
  const log: Logger = pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The fields are plain before they come to these.
      serializers: { err: (err: unknown) => err, msg: (msg: unknown) => (typeof msg === 'string' ? cutText(msg) : msg) },
      mixin: () => idsOf(traceIds),
      mixinMergeStrategy: (fields, ids) => Object.assign(plainFields(fields, showsStack), ids),
      hooks: { logMethod: writeOrSay },
    },
    { write: (line: string) => writeScrubbed(sink, line) },
  );
  function showsStack(error: Error): boolean {
    return !isEphemosError(error) || log.isLevelEnabled('debug');
  }
  bindPlainly(log, showsStack);
  return log;
}

function standardOutput(): DestinationStream {
  // Nobody is left to be told that standard output is gone.
  return pino.destination({ dest: 1, sync: true, maxLength: MAX_WAITING_BYTES }).on('error', () => undefined);
}

function writeScrubbed(sink: DestinationStream, line: string): void {
  try {
    sink.write(scrubLine(line));
  } catch {
    // A log that cannot be written must not end what it tells about.
  }
}

function idsOf(traceIds: LoggerOptions['traceIds']): object {
  try {
    return traceIds?.() ?? {};
  } catch {
    return {};
  }
}

type LogMethod = NonNullable<NonNullable<pino.LoggerOptions['hooks']>['logMethod']>;

const writeOrSay: LogMethod = function (args, method) {
  try {
    method.apply(this, args);
  } catch {
    const text: unknown = args.find((each: unknown) => typeof each === 'string');
    method.apply(this, [{ unreadable: true }, typeof text === 'string' ? text : 'a line whose values cannot be read']);
  }
};

// pino writes the bindings of a child as they are, once for all its lines.
function bindPlainly(log: Logger, showsStack: (error: Error) => boolean): void {
  const methods = { child: log.child, setBindings: log.setBindings };
  for (const [name, method] of Object.entries(methods)) {
    Object.defineProperty(log, name, {
      value: function (this: Logger, bindings: object, ...rest: readonly unknown[]): unknown {
        return Reflect.apply(method, this, [plainFields(bindings, showsStack), ...rest]);
      },
    });
  }
}
