// A connection string of SPIRE's data store, as a URL or as `key=value` words, in; what it says out.

/** What it says. */
export interface ConnectionString {
  readonly host: string | undefined;
  /** Undefined where there is none, or where a variable stands for it. */
  readonly password: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  /** Whether the whole of it is a variable. */
  readonly isVariable: boolean;
}

/** Reads it; what cannot be read has nothing. */
export function parseConnectionString(text: string): ConnectionString {
  const isVariable = /^\$(\{\w+\}|\w+)$/.test(text.trim());
  const url =
    /^[a-z0-9+]+:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<host>[^:/?]*)(?::\d+)?(?:\/[^?]*)?(?:\?(?<query>.*))?$/i.exec(text);
  // go-sql-driver/mysql: user:password@tcp(host:port)/name?key=value
  const mysql = /^(?<user>[^:@/]*)(?::(?<password>[^@]*))?@\w*\((?<host>[^:)]*)(?::\d+)?\)\/[^?]*(?:\?(?<query>.*))?$/.exec(text);
  const { groups } = url ?? mysql ?? {};
  const parameters = groups === undefined ? words(text) : new Map(new URLSearchParams(groups['query'] ?? ''));
  const password = groups === undefined ? parameters.get('password') : groups['password'];
  return {
    host: groups === undefined ? parameters.get('host') : groups['host'],
    password: password === undefined || password === '' || password.includes('$') ? undefined : password,
    parameters,
    isVariable,
  };
}

function words(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))/g)].map(([, key = '', quoted, plain]) => [key, quoted ?? plain ?? '']),
  );
}
