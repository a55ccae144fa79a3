// Requests go to https URLs and nowhere else: a redirect to http would leave our identity behind without a word.
import { EphemosError } from '../errors.ts';

/**
 * Parses an https URL.
 * @throws {EphemosError} ERR_URL_NOT_HTTPS
 */
export function parseHttpsUrl(url: string | URL): URL {
  const parsed = URL.canParse(String(url)) ? new URL(url) : undefined;
  if (parsed?.protocol === 'https:') return parsed;
  throw notHttps(parsed === undefined ? 'something that is no URL' : `the scheme ${parsed.protocol.slice(0, -1)}`);
}

/** The error for a request that would go out without verification. */
export function notHttps(what: string): EphemosError {
  return new EphemosError('ERR_URL_NOT_HTTPS', `requests of Ephemos go to https URLs; this one is for ${what}`, { hint: 'write https://' });
}
