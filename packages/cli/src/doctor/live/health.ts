// A health listener of SPIRE: its address in, what it says and what time it thinks it is out.
import { get } from 'node:http';
import { InvalidArgumentError } from 'commander';
import { parseAddress } from '../../input/address.ts';
import { systemCodeOf } from '../../output/exit-code.ts';

/** Most of an answer that is read, in bytes. SPIRE's is some hundred. */
const MAX_BODY = 16 * 1024;

/** What came of asking. */
export interface HealthReading {
  readonly url: string;
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
  readonly body: string;
  /** Why there was none. */
  readonly failure: string | undefined;
  /** By how much its clock is ahead of ours, in milliseconds, to a second; undefined when it said no date. */
  readonly ahead: number | undefined;
}

/** The URL of a flag: `host:port`, or http:// with a path; `/ready` is asked unless there is one. @throws {InvalidArgumentError} */
export function parseHealthUrl(text: string): URL {
  const url = /^http:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) {
    if (/^[a-z]+:\/\//i.test(text)) throw new InvalidArgumentError('Write http://host:port/ready: SPIRE speaks plain HTTP there.');
    parseAddress(text);
    return new URL(`http://${text}/ready`);
  }
  if (url.username !== '' || url.password !== '') throw new InvalidArgumentError('Leave out the user and the password.');
  if (url.pathname === '/') url.pathname = '/ready';
  return url;
}

/** Asks once. */
export function readHealth(url: URL, timeout: number): Promise<HealthReading> {
  return new Promise((resolve) => {
    const begin = Date.now();
    const start = performance.now();
    const nothing = { url: url.href, status: undefined, body: '', ahead: undefined };
    let silence: string | undefined;
    const request = get(url, { agent: false, timeout }, (response) => {
      let body = '';
      const end = (): void => {
        clearTimeout(timer);
        const sent = Date.parse(response.headers.date ?? '');
        // The date has no fraction: its middle, against the middle of the question.
        const ahead = Number.isNaN(sent) ? undefined : sent + 500 - (begin + (performance.now() - start) / 2);
        resolve({ url: url.href, status: response.statusCode, body: body.slice(0, MAX_BODY), failure: undefined, ahead });
      };
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
        if (body.length > MAX_BODY) response.destroy();
      });
      response.once('close', end).once('error', end);
    });
    const timer = setTimeout(() => {
      silence = `no answer within ${timeout / 1000} s`;
      request.destroy();
    }, timeout);
    request.once('error', (error) => {
      clearTimeout(timer);
      resolve({ ...nothing, failure: silence ?? systemCodeOf(error) ?? error.message });
    });
    request.once('close', () => resolve({ ...nothing, failure: silence ?? 'the connection ended' }));
  });
}
