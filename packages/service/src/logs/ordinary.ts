// A line of JSON or one text of it in; true out when no rule for secrets could find anything in it, which nearly always is so and quickly seen.
import { MIN_LISTED_BYTES } from './byte-lists.ts';
import { isSecretRun, MIN_RUN_CHARACTERS } from './secret-runs.ts';

// A name of a secret is one of these, or ends with one; the others begin what the rules for texts look for.
const NAMES =
  /pass|pwd|secret|token|key|credential|jwt|session|auth|otp|cookie|bearer|basic|dpop|negotiate|begin|eyj|"type":"buffer"|"0":/i;

const LOWER = 1;
const UPPER = 2;
const DIGIT = 4;
const HEX = 8;
/** HEX, or the `x` of `0x30`. */
const HEX_OR_X = 64;
/** Goes on with a run of base64, as line breaks do in a text. */
const JOIN = 16;
/** May hide or begin anything: an escape, user info of a URL, a list, a control character, what is not ASCII. */
const STOP = 32;
const ALPHANUMERIC = LOWER | UPPER | DIGIT;

const kinds: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));

function kindOf(character: string): number {
  const hex = /[\da-fA-F]/.test(character) ? HEX | HEX_OR_X : /x/i.test(character) ? HEX_OR_X : 0;
  if (/[a-z]/.test(character)) return LOWER | hex;
  if (/[A-Z]/.test(character)) return UPPER | hex;
  if (/\d/.test(character)) return DIGIT | hex;
  if (/[+/_=.~%\r\n-]/.test(character)) return JOIN;
  return /[\\@[]|[^\t -~]/.test(character) ? STOP : 0;
}

/** False for every line and text that the rules would change, and for some others. */
export function isOrdinary(text: string): boolean {
  return !NAMES.test(text) && hasPlainWords(text);
}

function hasPlainWords(text: string): boolean {
  const { length } = text;
  let wordStart = -1;
  let any = 0;
  let all = HEX | HEX_OR_X;
  let uppers = 0;
  let runStart = 0;
  let odd = false;
  let shortWords = 0;
  let hexWords = 0;
  let hexDigits = 0;
  for (let i = 0; i <= length; i++) {
    const kind = i === length ? 0 : (kinds[text.charCodeAt(i)] ?? STOP);
    if ((kind & ALPHANUMERIC) !== 0) {
      if (wordStart === -1) {
        wordStart = i;
        any = 0;
        all = HEX | HEX_OR_X;
        uppers = 0;
      }
      any |= kind;
      all &= kind;
      if ((kind & UPPER) !== 0) uppers += 1;
      continue;
    }
    if (kind === STOP) return false;
    if (wordStart !== -1) {
      const letters = i - wordStart;
      const hex = (all & HEX_OR_X) !== 0;
      const capitalised = uppers === 1 && isUpper(text, wordStart);
      const mixed = (any & LOWER) !== 0 && uppers > 0;
      odd ||= mixed ? (any & DIGIT) !== 0 || !capitalised : (any & DIGIT) !== 0 && letters > ((all & HEX) !== 0 ? 32 : 16);
      shortWords = letters <= 2 ? shortWords + 1 : 0;
      hexWords = hex ? hexWords + 1 : 0;
      hexDigits = hex ? hexDigits + letters : 0;
      if (shortWords >= MIN_LISTED_BYTES || hexWords >= MIN_LISTED_BYTES || (hexWords > 1 && hexDigits > 32)) return false;
      wordStart = -1;
    }
    if (kind === JOIN) continue;
    if (odd && i - runStart >= MIN_RUN_CHARACTERS && isSecretRun(text.slice(runStart, i))) return false;
    runStart = i + 1;
    odd = false;
  }
  return true;
}

function isUpper(text: string, index: number): boolean {
  return ((kinds[text.charCodeAt(index)] ?? 0) & UPPER) !== 0;
}
