// The wait for the first SVID: bounded, cancellable, and never silent about the reason (users find "deadline exceeded" opaque: go-spiffe#207).
import { EphemosError } from '../errors.ts';
import type { X509Source, X509SourceOptions } from './x509-source.ts';

/** Default wait for the first SVID, in milliseconds. */
export const IDENTITY_TIMEOUT_MS = 30_000;
/** When to say for the first time why there is no SVID, in milliseconds. */
export const WAITING_NOTICE_MS = 3_000;

/**
 * Resolves once the source has an SVID.
 * @param failed settles when the stream ends for good
 * @throws {EphemosError} the last reason why there is none
 */
export async function waitForIdentity(source: X509Source, failed: Promise<EphemosError>, options: X509SourceOptions): Promise<void> {
  const { timeout = IDENTITY_TIMEOUT_MS, signal, onWaiting = warn } = options;
  if (Number.isNaN(timeout) || timeout <= 0)
    throw new EphemosError('ERR_OPTION_INVALID', 'timeout must be a positive number of milliseconds or Infinity');
  const startedAt = performance.now();
  let told: string | undefined;
  await new Promise<void>((resolve, reject) => {
    // Not unref'd: until there is an identity the process has this one thing to do.
    const tick = setInterval(check, TICK_MS);
    const unsubscribe = source.subscribe(check);
    signal?.addEventListener('abort', check, { once: true });
    failed.then(fail, reject);
    check();

    function check(): void {
      if (source.health.state === 'ready') settle(resolve);
      else if (signal?.aborted === true)
        fail(new EphemosError('ERR_CONNECT_ABORTED', 'waiting for an identity was ended by its signal', { cause: reasonOf(source) }));
      else if (performance.now() - startedAt >= timeout) fail(inTime(reasonOf(source), timeout));
      else if (performance.now() - startedAt >= WAITING_NOTICE_MS) tell(reasonOf(source));
    }

    function tell(reason: EphemosError): void {
      if (reason.message === told) return;
      told = reason.message;
      onWaiting(reason);
    }

    function fail(error: EphemosError): void {
      settle(() => reject(error));
    }

    function settle(done: () => void): void {
      clearInterval(tick);
      unsubscribe();
      signal?.removeEventListener('abort', check);
      done();
    }
  });
}

const TICK_MS = 100;

function reasonOf(source: X509Source): EphemosError {
  const { lastError, state } = source.health;
  if (lastError !== undefined) return lastError;
  if (state === 'expired') {
    return new EphemosError('ERR_IDENTITY_EXPIRED', 'the Workload API has sent an SVID that has expired', {
      hint: 'look at the clocks and the log of the agent',
    });
  }
  return new EphemosError('ERR_IDENTITY_UNAVAILABLE', 'the Workload API has not answered yet', {
    hint: 'is the agent running and attested? see its log',
  });
}

function inTime(reason: EphemosError, timeout: number): EphemosError {
  return new EphemosError(reason.code, `no identity within ${timeout / 1000} s: ${reason.message}`, { hint: reason.hint, cause: reason });
}

function warn(reason: EphemosError): void {
  process.emitWarning(`still waiting for an identity: ${reason.message}`, {
    code: reason.code,
    ...(reason.hint === undefined ? {} : { detail: `hint: ${reason.hint}` }),
  });
}
