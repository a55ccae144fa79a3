import { EphemosError, errorCodes } from 'ephemos/errors';
import { describe, expect, it } from 'vitest';
import { reasonsByCode, refusalReason, refusalReasons } from '../../src/metrics/refusal-reason.ts';

// Of calls, options, files and our own values: nothing of a connection.
const NO_REFUSALS =
  /^ERR_(AUTHORIZER_INVALID|BUNDLE_INVALID|CERTIFICATE_INVALID|CONFIG_INVALID|CONNECTION_ENDED|ENDPOINT_\w+|LISTEN_FAILED|OPTION_INVALID|POLICY_INVALID|SPIFFE_ID_INVALID|SVID_INVALID|TARGET_INVALID|TRUST_DOMAIN_INVALID|URL_NOT_HTTPS|WORKLOAD_API_\w+)$/;

describe('the reason of a refusal', () => {
  it('every code that can refuse a connection has one; a new code is in the table or on the list of those that cannot', () => {
    const missing = Object.keys(errorCodes).filter((code) => !Object.hasOwn(reasonsByCode, code) && !NO_REFUSALS.test(code));
    expect(missing).toEqual([]);
    expect(Object.keys(reasonsByCode).filter((code) => NO_REFUSALS.test(code))).toEqual([]);
  });

  it('every reason is that of some code', () => {
    expect(new Set(Object.values(reasonsByCode))).toEqual(new Set(refusalReasons));
  });

  it.each([
    ['ECONNRESET', 'io'],
    ['EPIPE', 'io'],
    ['ERR_SSL_HTTP_REQUEST', 'protocol'],
    [undefined, 'protocol'],
  ])('a handshake that was broken off with %s is %s', (code, reason) => {
    const cause = Object.assign(new Error('as Node says it'), code === undefined ? {} : { code });
    expect(refusalReason(new EphemosError('ERR_HANDSHAKE_FAILED', 'a handshake was broken off', { cause }))).toBe(reason);
  });

  it('what has no reason of its own is protocol', () => {
    expect(refusalReason(new EphemosError('ERR_CONFIG_INVALID', 'as the test says'))).toBe('protocol');
  });
});
