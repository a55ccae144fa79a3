// One text of a log line in, the same text without keys, tokens, certificates and passwords out.
import { scrubByteLists } from './byte-lists.ts';
import { isOrdinary } from './ordinary.ts';
import { scrubNamed } from './secret-names.ts';
import { REDACTED, scrubRuns } from './secret-runs.ts';

// Blanks of a PEM label are `+` or `%20` in a URL. Cut off, it goes as far as there is base64.
const PEM = /-{2,5}BEGIN[A-Z\d%+ ]{1,64}-{2,5}(?:[^]*?-{2,5}END[A-Z\d%+ ]{1,64}-{0,5}|(?:[A-Za-z\d+/=%\s,:-]|\\+[rn])*)/g;

const JWT = /\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g;

const URL = /[^\s"'<>\\]+/g;
const USER_INFO = /^(.*?:\/\/[^:@/?#]*:)(.*)@/s;

// What no text of a person holds: bytes that were read as Latin-1 or UTF-8, also in JSON in JSON. ESC is left to be escaped, as are the blanks.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_TEXT = /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]|\\u00(?!1b|0[9a-d])[0189][\da-f]/g;
const MAX_NOT_TEXT = 3;
// Every fourth byte is one of them: what is around the first and the last belongs to the same bytes.
const AROUND = 16;

/** Takes out of a text what must not be in a log. What it returns is left as it is by a second pass. */
export function scrubText(text: string): string {
  return isOrdinary(text) ? text : applyRules(text);
}

/** What {@link scrubText} does with texts that are not ordinary. */
export function applyRules(text: string): string {
  const named = scrubNamed(scrubBinary(text).replace(PEM, REDACTED).replace(URL, scrubUserInfo)).replace(JWT, REDACTED);
  return scrubRuns(scrubByteLists(named));
}

function scrubBinary(text: string): string {
  const found = [...text.matchAll(NOT_TEXT)];
  const [first] = found;
  const last = found.at(-1);
  if (found.length <= MAX_NOT_TEXT || first === undefined || last === undefined) return text;
  return text.slice(0, Math.max(first.index - AROUND, 0)) + REDACTED + text.slice(last.index + last[0].length + AROUND);
}

// The last @ ends the password, whatever is in it.
function scrubUserInfo(word: string): string {
  return word.includes('@') && word.includes('://') ? word.replace(USER_INFO, `$1${REDACTED}@`) : word;
}
