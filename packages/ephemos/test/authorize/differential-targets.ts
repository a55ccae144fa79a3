// Request targets that differ from those of the handlers by one trick each, and a source of random ones.
import fc from 'fast-check';

/** A request as it goes over the wire; every character of it is one byte. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
}

export function get(target: string): WireRequest {
  return { method: 'GET', target, headers: [] };
}

/** What well-meaning callers send, with the handler that answers in every application. */
export const plain: readonly (readonly [string, string])[] = [
  ['GET /', 'root'],
  ['GET /?a=b', 'root'],
  ['GET /admin', 'admin'],
  ['HEAD /admin', 'admin'],
  ['DELETE /admin', 'admin-delete'],
  ['GET /Reports', 'reports'],
  ['GET /orders', 'orders'],
  ['GET /orders?id=7&x=/../admin', 'orders'],
  ['POST /orders', 'orders-post'],
  ['GET /orders/special', 'orders-special'],
  ['GET /orders/7', 'order'],
  ['GET /orders/a%20b', 'order'],
  ['GET /orders/%C3%A9', 'order'],
  ['GET /orders/a@b.example', 'order'],
  ['GET /orders/50%25', 'order'],
  ['DELETE /orders/7', 'order-delete'],
  ['GET /users/me', 'me'],
  ['GET /users/joe', 'user'],
  ['GET /users/%7Ejoe', 'user'],
  ['GET /users/joe/name', 'user-name'],
  ['GET /acme/admin', 'tenant-admin'],
  ['GET /files/secret', 'files-secret'],
  ['GET /files/a', 'files'],
  ['GET /files/a/b.txt', 'files'],
  ['GET /kb/docs/a', 'doc'],
  ['GET /kb/docs/a/b', 'docs'],
  ['GET /down/here/', 'down'],
  ['GET /matrix', 'matrix'],
  ['GET /a+b', 'plus'],
  ['GET /@scope/pkg', 'at'],
  ['GET /~joe/home', 'tilde'],
  ['GET /caf%C3%A9', 'unicode'],
  ['GET /two%20words', 'space'],
  ['GET /100%25', 'percent'],
  ['GET /v1.2/x-y_z', 'version'],
  ['GET /a/b/c', 'abc'],
  ['GET /a/x/c', 'axc'],
  ['GET /a/b/y', 'aby'],
  ['GET /sub/thing', 'sub-thing'],
  ['GET /sub/other', 'sub-any'],
  ['GET /area', 'area'],
  ['POST /area/x/y', 'area'],
  ['GET /about', 'page'],
];

const paths: readonly string[] = [...new Set(plain.map(([request]) => request.split(' ')[1] ?? '/'))];

/** The paths that the tricks are played with: those that a neighbour could be taken for. */
const played: readonly string[] = [
  ...[
    '/',
    '/admin',
    '/Reports',
    '/orders/special',
    '/orders/7',
    '/users/me',
    '/users/joe/name',
    '/files/secret',
    '/kb/docs/a',
    '/kb/docs',
    '/down/here/',
    '/matrix',
  ],
  ...['/caf%C3%A9', '/two%20words', '/a/b/c', '/sub/thing', '/area/x'],
];

/** Each makes another target of a path, or none. */
const tricks: readonly ((path: string) => string | undefined)[] = [
  (path) => path.toUpperCase(),
  (path) => path.replace(/[a-z]/, (letter) => letter.toUpperCase()),
  (path) => `${path}/`,
  (path) => `${path}//`,
  (path) => `/${path}`,
  (path) => path.replace(/(.)\//, '$1//'),
  (path) => `/.${path}`,
  (path) => `${path}/.`,
  (path) => `/x/..${path}`,
  (path) => `/files/..${path}`,
  (path) => `/files/%2e%2E${path}`,
  (path) => `/files/.%2e${path}`,
  (path) => `/files/..;${path}`,
  (path) => `/files/..;x=1${path}`,
  (path) => `/files/%252e%252e${path}`,
  (path) => `/files\\..${path.replaceAll('/', '\\')}`,
  (path) => `/files/..%2f${path.slice(1)}`,
  (path) => `/files/..%5C${path.slice(1)}`,
  (path) => path.replace(/[a-z]/, hex),
  (path) => path.replace(/[a-z](?=[^a-z]*$)/, hex),
  (path) => path.replace(/[a-z]/g, hex),
  (path) => path.replace(/[a-z]/, (letter) => hex(letter.toUpperCase())),
  (path) => path.replace(/[a-z]/, (letter) => `%25${hex(letter).slice(1)}`),
  (path) => path.slice(0, 1) + path.slice(1).replaceAll('/', '%2F'),
  (path) => `${path}%2F`,
  (path) => `${path}%252F`,
  (path) => `${path}%00`,
  (path) => `${path}%2500`,
  (path) => `${path}%20`,
  (path) => `${path}%09`,
  (path) => `${path}%0d%0aX-Evil:%201`,
  (path) => `${path}.`,
  (path) => `${path}%2E`,
  (path) => `${path}.json`,
  (path) => `${path};`,
  (path) => `${path};a=1`,
  (path) => `${path};/../admin`,
  (path) => path.replace(/(.)\//, '$1;v=1/'),
  (path) => `${path};/me`,
  (path) => `/;${path}`,
  (path) => `${path}%3Ba=1`,
  (path) => `${path}%3F`,
  (path) => `${path}%3Fx=/admin`,
  (path) => `${path}%23`,
  (path) => `${path}#`,
  (path) => `${path}#/../admin`,
  (path) => `${path}?`,
  (path) => `${path}?/../admin`,
  (path) => `${path}/?x=1`,
  (path) => `${path}/%3F/x`,
  (path) => `${path}%`,
  (path) => `${path}%zz`,
  (path) => `${path}%C0%AF`,
  (path) => `${path}%E0%80%AF`,
  (path) => `${path}%ED%A0%80`,
  (path) => `${path}%FF`,
  (path) => `${path}\xc3\xa9`,
  (path) => `${path}\xff`,
  (path) => `${path}%C2%A0`,
  (path) => path.replace(/[a-z]/, (letter) => encodeURIComponent(String.fromCodePoint(letter.charCodeAt(0) + 0xfee0))),
  (path) => (path.includes('k') ? path.replace('k', '%E2%84%AA') : undefined),
  (path) => (path.includes('s') ? path.replace('s', '%C5%BF') : undefined),
  (path) => `http://127.0.0.1${path}`,
  (path) => `http://x@evil.example${path}`,
  (path) => `HTTP://evil.example:1${path}`,
  (path) => `//evil.example${path}`,
  (path) => `\\\\evil.example${path}`,
  (path) => path.slice(1),
  (path) => `?${path}`,
  (path) => `${path}|`,
  (path) => `${path}"<>^\`{}[]`,
  (path) => `/{x}/..${path}`,
  (path) => `${path}${'/a'.repeat(300)}`,
  (path) => `${path}${'a'.repeat(120)}`,
  (path) => `/${'a'.repeat(9000)}/..${path}`,
  (path) => `/\t${path}`,
];

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}

/** Tricks of one place only. */
const others: readonly string[] = [
  ...['*', '/*', '/**', '/:page', '/:id', '/orders/:id', '/orders/*', '/files/*rest', '/files{/*rest}', '127.0.0.1:80', '/%', '/%%', '/?'],
  ...[
    '/%2561dmin',
    '/%61%64%6d%69%6e',
    '/%41DMIN',
    '/%25%36%31dmin',
    '/%2525252525252525',
    '/%25%32%65%25%32%65/admin',
    '/%25%2532%2546admin',
  ],
  ...[
    '/users/%6De',
    '/users/m%65',
    '/users/ME',
    '/users/me;',
    '/users/me%3b',
    '/users/me/',
    '/users//',
    '/users/',
    '/users//name',
    '/users/%2Fname',
  ],
  ...[
    '/caf%C3%89',
    '/CAF%C3%A9',
    '/caf%65%CC%81',
    '/cafe%CC%81',
    '/caf\xe9',
    '/caf\xc3\xa9',
    '/caf%E9',
    '/caf%C3',
    '/caf%A9',
    '/caf%c3%a9/',
  ],
  ...['/two+words', '/two%2520words', '/two words', '/100%', '/100%2525', '/100%25%32%35', '/a%2Bb', '/a%2bb', '/a%20b', '/%40scope/pkg'],
  ...[
    '/%7Ejoe/home',
    '/~joe%2Fhome',
    '/semi%3Bcolon',
    '/semi%3bcolon',
    '/semi;colon',
    '/semi%253Bcolon',
    '/matrix;a=1',
    '/matrix;A=1',
    '/matrix;a=%31',
  ],
  ...[
    '/sub',
    '/sub/',
    '/SUB',
    '/sub/;thing',
    '/sub;/thing',
    '/sub%2fthing',
    '/sub/thing/..',
    '/sub/../admin',
    '/area/../admin',
    '/area;/../admin',
  ],
  ...[
    '/orders//',
    '/orders/special/',
    '/orders/Special',
    '/orders/special%20',
    '/orders/sp%65cial',
    '/orders/;special',
    '/orders/.',
    '/orders/..',
  ],
  ...[
    '/v1%2E2/x-y_z',
    '/v1.2/x%2Dy%5Fz',
    '/V1.2/x-y_z',
    '/v1.2//x-y_z',
    '/...',
    '/.../admin',
    '/..../',
    '/.admin',
    '/admin..',
    '/..admin',
    '/%2e',
    '/..',
  ],
];

/** Tricks of a method or a header. */
const heads: readonly WireRequest[] = [
  ...['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'M-SEARCH', 'get', 'Delete', 'CONNECT', 'PRI'].flatMap((method) =>
    ['/admin', '/orders/7', '/area', '/area/x'].map((target) => ({ method, target, headers: [] })),
  ),
  ...[
    'X-HTTP-Method-Override: DELETE',
    'X-HTTP-Method: DELETE',
    'X-Method-Override: DELETE',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
  ].flatMap((header) => ['GET', 'POST'].map((method) => ({ method, target: '/orders', headers: [header] }))),
  { method: 'GET', target: '/orders/7?_method=DELETE', headers: [] },
  { method: 'GET', target: '/orders', headers: ['Connection: Upgrade', 'Upgrade: websocket'] },
  { method: 'GET', target: '/orders', headers: ['Accept-Version: 2'] },
  ...[
    '\xe9/me?xx',
    '\xe9/admin',
    '\xe9/users',
    '\xdf/admin',
    'x/admin?',
    'x/admin#',
    'x@y/admin',
    'x\\admin?',
    '[::1]',
    'x:80/admin?',
    '%2fadmin',
    'x?',
  ].flatMap((host) => ['/orders', '/me', '/', '/name'].map((target) => ({ method: 'GET', target, headers: [`Host: ${host}`] }))),
];

/** Every request of the table. */
export const table: readonly WireRequest[] = [
  ...[...new Set([...played.flatMap((path) => tricks.map((trick) => trick(path))), ...others])]
    .filter((each) => each !== undefined)
    .map(get),
  ...['DELETE /ADMIN', 'DELETE /Users/Me', 'DELETE /users/%6De', 'DELETE /users/me/', 'POST /ORDERS', 'POST /orders/'].map((text) => {
    const [method = '', target = ''] = text.split(' ');
    return { method, target, headers: [] };
  }),
  ...heads,
];

const segment = fc.constantFrom(
  ...new Set(paths.flatMap((path) => path.split('/'))),
  ...[
    '.',
    '..',
    '...',
    '',
    ':id',
    '*',
    '**',
    '%2e',
    '%2E%2e',
    '%252e',
    '..;',
    ';',
    'x',
    '7',
    '%C3%A9',
    '\xe9',
    '%00',
    '%2f',
    '%5c',
    '\\',
    '~',
    '%7E',
  ],
);
const twist = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text,
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.replace(/[a-z]/, hex),
  (text) => text.replace(/[a-z](?=[^a-z]*$)/, (letter) => letter.toUpperCase()),
  (text) => `${text};a=1`,
  (text) => `${text};`,
  (text) => `;${text}`,
  (text) => `${text}%20`,
  (text) => `${text}%3F`,
  (text) => `${text}.`,
  (text) => text.replace(/%/, '%25'),
);
const separator = fc.constantFrom('/', '/', '/', '/', '/', '/', '/', '//', '\\', '%2F', '/./', ';/', '/;');
const start = fc.constantFrom('/', '/', '/', '/', '/', '/', '//', '', '/./', '/x/../', 'http://x/');
const end = fc.constantFrom('', '', '', '', '/', '?', '?x=/../admin', '#', '#/x', ';', '/.', '/..', '%00', '/?');
const part = fc.tuple(segment, twist, separator).map(([text, change, joint]) => [change(text), joint] as const);

/** Targets of the segments that the handlers know, put together and twisted at random. */
export const anyTarget: fc.Arbitrary<string> = fc
  .tuple(start, fc.array(part, { minLength: 1, maxLength: 4 }), end)
  .map(
    ([first, parts, last]) =>
      first + parts.map(([text, joint], index) => (index === parts.length - 1 ? text : text + joint)).join('') + last,
  )
  // The request line ends at a space or a line break, and what follows would be another request.
  .filter((target) => !/[\s\0]/.test(target));
