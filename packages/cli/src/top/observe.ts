// A running service, looked at once: its plaintext ports in; what its probe and its metrics say, or why they say nothing, out.
import { Buffer } from 'node:buffer';
import { get } from 'node:http';
import type { ProbeResult } from '@ephemos/service/probe';
import type { Address } from '../input/address.ts';
import { type Reading, readScrape } from './reading.ts';

/** Most of a scrape that is read, in bytes. */
export const MAX_SCRAPE_BYTES: number = 8 * 1024 * 1024;
/** How long an answer may take, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 3_000;

/** Where to look. */
export interface Targets {
  readonly health: Address | undefined;
  readonly metrics: Address | undefined;
  readonly metricsPath: string;
}

/** What was seen at one moment. */
export interface Observation {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** By the clock that is never set, in milliseconds. */
  readonly clock: number;
  /** `undefined` when it was not asked. */
  readonly probe: ProbeResult | undefined;
  readonly reading: Reading | undefined;
  /** Why there is no reading; `undefined` when there is one, or when it was not asked. */
  readonly scrapeError: string | undefined;
}

/** Looks once. Never rejects. */
export async function observe({ health, metrics, metricsPath }: Targets, signal: AbortSignal): Promise<Observation> {
  const { probe } = await import('@ephemos/service/probe');
  const [probed, scraped] = await Promise.all([
    health === undefined ? undefined : probe({ address: health, timeout: ANSWER_TIMEOUT_MS, signal }),
    metrics === undefined ? undefined : scrape(metrics, metricsPath, signal),
  ]);
  return {
    time: Date.now(),
    clock: performance.now(),
    probe: probed,
    reading: typeof scraped === 'string' ? undefined : scraped,
    scrapeError: typeof scraped === 'string' ? scraped : undefined,
  };
}

// The reading, or the reason why there is none.
async function scrape({ host, port }: Address, path: string, signal: AbortSignal): Promise<Reading | string> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('stopped'));
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1_000} s`)), ANSWER_TIMEOUT_MS);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return readScrape(await getScrape({ host, port, path, signal: stop.signal })) ?? 'these are no metrics of Ephemos';
  } catch (error) {
    const cause: unknown = stop.signal.aborted ? stop.signal.reason : error;
    return cause instanceof Error && cause.message !== '' ? cause.message : 'the connection failed';
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function getScrape(target: {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ ...target, agent: false, headers: { accept: 'text/plain;version=0.0.4' } }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('error', reject);
      response.on('close', () => reject(new Error('the answer was cut off')));
      if (response.statusCode !== 200) {
        reject(new Error(`HTTP ${response.statusCode}`));
        response.destroy();
        return;
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_SCRAPE_BYTES) response.destroy(new Error(`the answer is longer than ${MAX_SCRAPE_BYTES >> 20} MiB`));
      });
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    request.on('error', reject);
  });
}
