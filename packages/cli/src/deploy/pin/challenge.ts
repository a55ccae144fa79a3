// A WWW-Authenticate header in; its first challenge that can be answered out (RFC 9110, 11.6.1).

/** A challenge. */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  /** By their names in lower case. */
  readonly parameters: Readonly<Partial<Record<string, string>>>;
}

const MAX_LENGTH = 4096;
const PARAMETER = /([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?\s*/y;

/** Parses it; bearer comes before basic. */
export function parseChallenge(header: string): Challenge | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const found = [...header.matchAll(/(?:^|,)\s*(basic|bearer)(?=\s|$)\s*/gi)].map((match) => ({
    scheme: match[1]?.toLowerCase() === 'bearer' ? ('bearer' as const) : ('basic' as const),
    parameters: parametersFrom(header, match.index + match[0].length),
  }));
  return found.find(({ scheme }) => scheme === 'bearer') ?? found[0];
}

function parametersFrom(header: string, start: number): Challenge['parameters'] {
  const parameters: Record<string, string> = {};
  PARAMETER.lastIndex = start;
  for (let match = PARAMETER.exec(header); match !== null; match = PARAMETER.exec(header)) {
    const [, name = '', quoted, plain = ''] = match;
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain;
  }
  return parameters;
}
