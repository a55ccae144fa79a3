// A finished line of JSON in; the line that may be written out: without secrets, printable, one line, and not too long.
import { isOrdinary } from './ordinary.ts';
import { quote, scrubFields } from './scrub-value.ts';

/** Most bytes of a line, its line break included: what Docker and containerd keep in one piece. */
export const MAX_LINE_BYTES = 16_384;

/** A line of more characters than this is not looked through any more; what is left says how long it was. */
export const MAX_READ_CHARACTERS = 262_144;

/** Most characters of a message in a line that was shortened. */
const MAX_SHORT_MESSAGE = 2048;

/** Makes a line safe to write. What it returns ends with the only line break in it. */
export function scrubLine(line: string): string {
  if (fits(line) && isOrdinary(line)) return line;
  if (line.length > MAX_READ_CHARACTERS) return shorten(scrubFields(endsOf(line)), line.length);
  const parsed = parseObject(line);
  if (parsed === undefined) return '{"level":"error","msg":"a line was left out: it is no JSON object"}\n';
  const fields = scrubFields(parsed);
  const text = `{${fields.map(([key, json]) => `${key}:${json}`).join()}}\n`;
  return fits(text) ? text : shorten(fields, line.length);
}

function fits(line: string): boolean {
  // UTF-8 takes three bytes at most for what is one character here.
  return line.length * 3 <= MAX_LINE_BYTES || Buffer.byteLength(line) <= MAX_LINE_BYTES;
}

// The fields in their order as long as there is room, the message in any case.
function shorten(fields: readonly (readonly [string, string])[], characters: number): string {
  const message = fields.findLast(([key]) => key === '"msg"')?.[1] ?? '""';
  const msg = message.length <= MAX_SHORT_MESSAGE ? message : quote(cutJson(message));
  const end = `"msg":${msg},"shortened_from":${characters}}\n`;
  let out = '{';
  for (const [key, json] of fields) {
    const field = `${key}:${json},`;
    if (key !== '"msg"' && Buffer.byteLength(out) + Buffer.byteLength(field) + Buffer.byteLength(end) <= MAX_LINE_BYTES) out += field;
  }
  return out + end;
}

function cutJson(message: string): string {
  const text: unknown = JSON.parse(message);
  return `${String(text).slice(0, MAX_SHORT_MESSAGE)}...`;
}

// Level, time and service are ours and come first, the message comes last.
function endsOf(line: string): object {
  const [head = '{"level":"error"'] = /^\{"level":"\w{1,16}","time":"[\w:.-]{1,32}"(?:,"service":"[\w. -]{1,256}")?/.exec(line) ?? [];
  const message = line.slice(line.lastIndexOf(',"msg":"') + 1);
  return { ...parseObject(`${head}}`), ...(message.length <= MAX_READ_CHARACTERS ? parseObject(`{${message}`) : {}) };
}

function parseObject(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
