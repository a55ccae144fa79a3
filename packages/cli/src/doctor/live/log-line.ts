// A line of SPIRE's log, as text or as JSON, after whatever a journal or a container puts before it: its fields out.

/** A line. */
export interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number | undefined;
  readonly message: string;
  readonly error: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** Parses a line; undefined when it is none of SPIRE's. */
export function parseLogLine(text: string): LogLine | undefined {
  const fields = fieldsOf(text);
  const message = fields.get('msg');
  if (message === undefined || !fields.has('level')) return undefined;
  const time = Date.parse(fields.get('time') ?? '');
  return { time: Number.isNaN(time) ? undefined : time, message, error: fields.get('error') ?? '', fields };
}

/** The line as evidence: its time, message and error. */
export function lineText({ time, message, error }: LogLine): string {
  const at = time === undefined ? '' : `${new Date(time).toISOString().replace('.000Z', 'Z')} `;
  return `${at}${message}${error === '' ? '' : `: ${error}`}`.slice(0, 500);
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const brace = text.indexOf('{"');
  const json = brace === -1 ? undefined : jsonFields(text.slice(brace));
  if (json !== undefined) return json;
  const fields = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/([A-Za-z][\w.]*)=("(?:\\.|[^"\\])*"|\S*)/g)) fields.set(key, unquote(value));
  return fields;
}

function jsonFields(text: string): ReadonlyMap<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    return new Map(Object.entries(value).map(([key, each]) => [key, String(each)]));
  } catch {
    return undefined;
  }
}

// Go's %q writes what JSON reads, but for \x and \' which no message of SPIRE has.
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return String(value);
  } catch {
    return text.slice(1, -1);
  }
}
