// Bytes that are written one by one (48,130,1 or 30:82:01 or \x30\x82) in; the same text without lists of 16 and more out.
import { REDACTED } from './secret-runs.ts';

/** How many bytes in a row are taken for data. */
export const MIN_LISTED_BYTES = 16;

// `"0":48,"1":130` is a Uint8Array in JSON, `\n` a line break in JSON in JSON: the separators are many.
const NUMBERS = /-?\b\d{1,5}(?:(?:[\s,;:"'[\]{}|]|\\[nrt]?){1,24}-?\d{1,5}\b){15,}/g;

const HEX_GROUPS =
  /(?<![\dA-WYZa-wyz])(?:0x)?[\da-fA-F]+(?![\dA-Za-z])(?:(?:[\s,;:%_.|"'/-]|\\[nrtx]?|0x|x){1,24}[\da-fA-F]+(?![\dA-Za-z]))+/g;

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

// A trace ID or a UUID.
const ID = /(?<![\da-fA-F])(?:[\da-f]{32}|[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12})(?![\da-fA-F])/;

/** Takes out lists of bytes, decimal or hex. */
export function scrubByteLists(text: string): string {
  return text
    .replace(NUMBERS, (list) => (isNumberList(list) ? REDACTED : list))
    .replace(HEX_GROUPS, (list) => (isHexList(list) ? REDACTED : list));
}

/** True for a number that an Int8Array or a Uint8Array can hold. */
export function isByte(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= -128 && value <= 255;
}

function isNumberList(list: string): boolean {
  const numbers = list.match(/-?\d+/g) ?? [];
  return numbers.filter((each) => isByte(Number(each))).length >= MIN_LISTED_BYTES;
}

// An IPv6 address has 32 digits; beside an ID, in the same line of text, there may be a span ID of 16. A list of numbers has no letter.
function isHexList(list: string): boolean {
  const others = /[\r\n\\]/.test(list) ? list : list.replace(ID, '');
  const groups = (others.match(/(?:0x)?[\da-fA-F]+/g) ?? []).map((group) => group.replace(/^0x/, ''));
  const digits = groups.reduce((total, group) => total + group.length, 0);
  const bytes = groups.length >= MIN_LISTED_BYTES && groups.every((group) => group.length <= 2);
  return (bytes || digits > (others === list ? 32 : 16)) && /[a-fA-F]/.test(list) && !TRACEPARENT.test(list);
}
