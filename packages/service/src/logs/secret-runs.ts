// Long runs of base64, base64url, hex or token characters in; the same text without those that are not made of words and short IDs out.

/** What stands in a line for what must not be in it. */
export const REDACTED = '[redacted]';

/**
 * Sixteen bytes are 22 characters of base64. A run goes on over what a key is wrapped with: line breaks, also those of JSON in JSON, percent
 * encodings, and the dots of a token.
 */
const RUN = /[A-Za-z0-9+/_=.~%\\\r\n-]{22,}/g;

/** Fewest characters of a run that is looked at. */
export const MIN_RUN_CHARACTERS = 22;

/** Below this many characters in one place, or in all, what looks random is an ID: `/v1/orders/Xk9dQ2`. */
const MIN_SECRET_CHARACTERS = 16;
const MIN_SECRET_CHARACTERS_IN_ALL = 20;

/** Longest word that is left beside bytes. */
const MAX_WORD = 14;

/** Takes out what looks like bytes of 16 or more. Hex of exactly 16 bytes stays: it is a trace ID, a UUID or a serial number. */
export function scrubRuns(text: string): string {
  return text.replace(RUN, scrubRun);
}

/** True for a run in which {@link scrubRuns} would find something. */
export function isSecretRun(run: string): boolean {
  return run.length >= MIN_RUN_CHARACTERS && scrubRun(run) !== run;
}

interface Piece {
  readonly kind: 'short' | 'word' | 'id' | 'random';
  readonly start: number;
  readonly end: number;
}

// With bytes in it goes everything from the first piece to the last one that is no word: what looks like a name beside them may be a part of them.
function scrubRun(run: string): string {
  const pieces = piecesOf(run);
  if (!holdsBytes(pieces)) return run;
  const odd = pieces.filter(({ kind, start, end }) => kind === 'id' || kind === 'random' || end - start > MAX_WORD);
  return run.slice(0, odd[0]?.start) + REDACTED + run.slice(odd.at(-1)?.end);
}

function piecesOf(run: string): readonly Piece[] {
  return Array.from(run.matchAll(/[A-Za-z0-9]+/g), ({ 0: piece, index }) => ({
    kind: kindOf(piece),
    start: index,
    end: index + piece.length,
  }));
}

// Pieces between two words are taken together; one of them must be nothing but encoded bytes.
function holdsBytes(pieces: readonly Piece[]): boolean {
  let start = -1;
  let random = false;
  let inAll = 0;
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === 'word') {
      start = -1;
      random = false;
      continue;
    }
    if (start === -1) start = piece.start;
    random ||= piece.kind === 'random';
    const next = pieces[index + 1];
    if (!random || (next !== undefined && next.kind !== 'word')) continue;
    const length = piece.end - start;
    inAll += length;
    if (length >= MIN_SECRET_CHARACTERS || inAll >= MIN_SECRET_CHARACTERS_IN_ALL) return true;
  }
  return false;
}

const WORD = /^(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)$/;
const DIGITS = /^\d+$/;
const HEX = /^(?:[\da-f]+|[\dA-F]+)$/;
const ONE_CASE = /^(?:[\da-z]+|[\dA-Z]+)$/;
const ULID = /^[0-7][\dA-HJKMNP-TV-Z]{25}$/;

function kindOf(piece: string): Piece['kind'] {
  const { length } = piece;
  // As likely a part of base64 as a word.
  if (length <= 3) return WORD.test(piece) || /^v?\d+$/.test(piece) ? 'short' : 'id';
  if (WORD.test(piece)) return 'word';
  // 39 digits hold 16 bytes.
  if (DIGITS.test(piece)) return length > 39 ? 'random' : 'id';
  if (length <= 32 && HEX.test(piece)) return 'id';
  if (length <= 16 && ONE_CASE.test(piece)) return 'id';
  return ULID.test(piece) || isCamelCase(piece) ? 'id' : 'random';
}

/**
 * Whether it reads like `getPeerX509Certificate`: parts of 3 characters and more on average, or of 3.5 (4 in a long one) when one of them is a
 * single character.
 */
function isCamelCase(piece: string): boolean {
  const { length } = piece;
  let parts = 0;
  let single = 0;
  for (const [part] of piece.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+/g)) {
    parts += 1;
    if (part.length === 1) single += 1;
  }
  if (single > 1) return false;
  return length >= parts * (length >= 32 ? 4 : single === 1 ? 3.5 : 3);
}
