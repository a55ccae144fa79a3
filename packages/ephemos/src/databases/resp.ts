// Bytes of the Redis protocol (RESP2 and RESP3) in, whole top-level values out: enough to count commands and their answers.

/** What a whole value was. */
export interface RespValue {
  /** The first byte: `*` of an array, `>` of a push, `+` of a simple string and so on. */
  readonly type: string;
  /** The first element of an array of bulk strings, in capitals; of a command its name. Empty when it is longer than a name. */
  readonly name: string;
}

const LINE_FEED = 0x0a;
// Longer than the number of any length; what is behind it in a line is of no interest.
const MAX_LINE = 24;
const MAX_NAME = 16;
// \r\n
const LINE_END = 2;

/** Reads one direction of a connection. */
export class RespReader {
  readonly #onValue: (value: RespValue) => void;
  /** How many values are still missing of the one that began. */
  #missing = 0;
  /** Bytes still to come of a bulk string, with the end of its line. */
  #rest = 0;
  #line = '';
  #type = '';
  #name = '';
  /** Whether what comes next is the first element of an array. */
  #first = false;
  /** Whether the bytes that come are the name. */
  #naming = false;

  constructor(onValue: (value: RespValue) => void) {
    this.#onValue = onValue;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#rest > 0) at = this.#skip(chunk, at);
      else at = this.#readLine(chunk, at);
    }
  }

  #skip(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#rest, chunk.length);
    if (this.#naming) this.#name += chunk.toString('latin1', at, end);
    this.#rest -= end - at;
    if (this.#rest === 0) this.#finishOne();
    return end;
  }

  #readLine(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(LINE_FEED, at);
    const stop = end === -1 ? chunk.length : end;
    if (this.#line.length < MAX_LINE) this.#line += chunk.toString('latin1', at, Math.min(stop, at + MAX_LINE));
    if (end === -1) return chunk.length;
    const line = this.#line;
    this.#line = '';
    this.#begin(line.charAt(0), Number.parseInt(line.slice(1), 10));
    return end + 1;
  }

  #begin(type: string, count: number): void {
    this.#naming = this.#first && type === '$' && count <= MAX_NAME;
    this.#first = this.#missing === 0 && type === '*';
    if (this.#missing === 0) {
      this.#missing = 1;
      this.#type = type;
      this.#name = '';
    }
    switch (type) {
      case '$':
      case '=':
      case '!':
        if (count >= 0) this.#rest = count + LINE_END;
        else this.#finishOne();
        return;
      case '*':
      case '~':
      case '>':
        return this.#expect(Math.max(count, 0) - 1);
      case '%':
        return this.#expect(Math.max(count, 0) * 2 - 1);
      // Attributes stand before the value that they belong to.
      case '|':
        return this.#expect(Math.max(count, 0) * 2);
      default:
        return this.#finishOne();
    }
  }

  #expect(more: number): void {
    this.#missing += more;
    if (this.#missing === 0) this.#finish();
  }

  #finishOne(): void {
    this.#naming = false;
    this.#expect(-1);
  }

  #finish(): void {
    this.#first = false;
    this.#onValue({ type: this.#type, name: this.#name.slice(0, -LINE_END).toUpperCase() });
  }
}
