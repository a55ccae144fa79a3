// Names that people give to secrets: a key of an object in, whether its value is one out; `password=...` in a text in, the text without the value out.
import { REDACTED } from './secret-runs.ts';

const KEY =
  /(?:pass(?:word|wd|phrase)|pwd|secret|token|(?:api|access|private|secret|signing|encryption|master|shared|host)key|credential|authorization|cookie|jwt|sessionid)s?$|^(?:pass|auth|otp|keypem)$/;

/** True for a key whose value is a secret: `password`, `apiKey`, `x-api-key`, `refresh_token`, `Authorization`, ... */
export function isSecretName(key: string): boolean {
  return KEY.test(key.toLowerCase().replace(/[^a-z\d]/g, ''));
}

// Quoted values end at the same quote with the same number of backslashes, so that JSON in JSON is read right.
const QUOTED = String.raw`(?<quote>\\*["'])[\s\S]*?(?:(?<!\\)\k<quote>|$)`;
const NAME = String.raw`(?:pass(?:word|wd|phrase)|pwd|secret|token|(?:api|access|private|secret|signing|encryption|master|shared)[_\- ]?key|credential|jwt|session[_-]?id)s?`;
const IS = String.raw`\\*["']?\s{0,3}(?:=>?|:|%3[dDaA])\s{0,3}`;
const GONE = String.raw`(?!\\*\s{0,3}\[redacted\])`;

const NAMED = new RegExp(String.raw`(${NAME}${IS})${GONE}(?:${QUOTED}|(?:[^\s&"\\]|\\(?!\\*["nrt]))+)`, 'gi');

// A header goes to the end of its line: `Cookie: a=1; b=2`.
const HEADER = new RegExp(String.raw`((?:authorization|cookie)${IS})${GONE}(?:${QUOTED}|(?:[^\r\n"\\]|\\(?!\\*["nr]))+)`, 'gi');

// "Bearer token" and "Basic constraints" are prose.
const BEARER = /\b(bearer|dpop)(?:\s+|%20|\+)(?!(?:tokens?|auth|authentication|authorization|scheme|credentials?)\b)[\w.~+/=%-]{3,}/gi;
const BASIC = /\b([Bb]asic|BASIC|[Nn]egotiate|NEGOTIATE)(?:\s+|%20|\+)(?=[\w+/-]+[A-Z\d=])[\w+/-]{3,}={0,2}/g;

/** Takes out what is named as a secret in a text, and what follows `Bearer` and `Basic`. */
export function scrubNamed(text: string): string {
  return text
    .replace(HEADER, `$1${REDACTED}`)
    .replace(NAMED, `$1${REDACTED}`)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(BASIC, `$1 ${REDACTED}`);
}
