// One text of a log line in, the same text without keys, tokens, certificates and passwords out.
import { scrubByteLists } from './byte-lists.ts';
import { isOrdinary } from './ordinary.ts';
import { scrubNamed } from './secret-names.ts';
import { REDACTED, scrubRuns } from './secret-runs.ts';

// Blanks of a PEM label are `+` or `%20` in a URL. Cut off, it goes as far as there is base64.
const PEM = /-{2,5}BEGIN[A-Z\d%+ ]{1,64}-{2,5}(?:[\s\S]*?-{2,5}END[A-Z\d%+ ]{1,64}-{0,5}|(?:[A-Za-z\d+/=%\s,:-]|\\+[rn])*)/g;

const JWT = /\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g;

const WORDS = /[^\s"'<>\\]+/g;
const USER_INFO = /^(.*?:\/\/[^:@/?#]*:)(.*)@/s;

// What no text of a person holds: bytes that were read as Latin-1 or UTF-8, also in JSON in JSON.
const CONTROL = /(?!\s)\p{Cc}|\ufffd|\\u00(?!1b|0[9a-d])[0189][\da-f]/u;
const CONTROL_OR_LATIN1 = new RegExp(`${CONTROL.source}|[\\xa0-\\xff]`, 'gu');
const MAX_CONTROLS = 3;
// Words in Latin-1 have no controls among them, three bytes of five are one or the other.
const MAX_CONTROLS_AND_LATIN1 = 9;
// What is around the first and the last belongs to the same bytes.
const AROUND = 16;

/** Takes out of a text what must not be in a log. What it returns is left as it is by a second pass. */
export function scrubText(text: string): string {
  return isOrdinary(text) ? text : applyRules(text);
}

/** What {@link scrubText} does with texts that are not ordinary. */
export function applyRules(text: string): string {
  const named = scrubNamed(scrubBinary(text).replace(PEM, REDACTED).replace(WORDS, scrubUserInfo)).replace(JWT, REDACTED);
  return scrubRuns(scrubByteLists(named));
}

function scrubBinary(text: string): string {
  if (!CONTROL.test(text)) return text;
  // An escape for a terminal is left to be escaped.
  const found = [...text.matchAll(CONTROL_OR_LATIN1)].filter(([each]) => each !== '\x1b');
  const controls = found.filter(([each]) => CONTROL.test(each)).length;
  const [first] = found;
  const last = found.at(-1);
  if (first === undefined || last === undefined || controls === 0) return text;
  if (controls <= MAX_CONTROLS && found.length <= MAX_CONTROLS_AND_LATIN1) return text;
  return text.slice(0, Math.max(first.index - AROUND, 0)) + REDACTED + text.slice(last.index + last[0].length + AROUND);
}

// The last @ ends the password, whatever is in it.
function scrubUserInfo(word: string): string {
  return word.includes('@') && word.includes('://') ? word.replace(USER_INFO, `$1${REDACTED}@`) : word;
}
