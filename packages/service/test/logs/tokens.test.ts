import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createMemoryLog } from './memory-log.ts';
import { jwtOf } from './secrets.ts';

const jwt = jwtOf(randomBytes(32));
const [header = '', payload = '', signature = ''] = jwt.split('.');
const opaque = 'tok-9f2Kq';
const password = 'hunter2-Tr0ub4dor';

/** What is logged, and what must not be in the line. */
const texts: readonly (readonly [rule: string, text: string, secrets: readonly string[]])[] = [
  ['a JWT', `token ${jwt} was refused`, [header, payload, signature]],
  ['a JWT with one of its parts cut off', `token ${jwt.slice(0, -20)}`, [header, payload]],
  ['a JWT without its signature', `${header}.${payload}.`, [header, payload]],
  ['a short JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.', ['eyJhbGciOiJub25lIn0', 'eyJzdWIiOiJ4In0']],
  ['an encrypted token of five parts', `${jwt}.${payload}.${signature}`, [header, payload, signature]],
  ['what follows Bearer', `Bearer ${opaque}`, [opaque]],
  ['what follows bearer in a URL', `?authorization=bearer%20${opaque}&page=2`, [opaque]],
  ['what follows Basic', 'sent Basic b3JkZXJzOnB3 to the proxy', ['b3JkZXJzOnB3']],
  ['an Authorization header', `GET / HTTP/1.1\r\nAuthorization: Custom ${opaque}, x=${password}\r\nAccept: */*`, [opaque, password]],
  ['a cookie', `cookie: session=${opaque}; theme=dark`, [opaque, 'dark']],
  ['headers in JSON', JSON.stringify({ authorization: `Custom ${opaque}`, 'x-api-key': password }), [opaque, password]],
  [
    'headers in JSON in JSON',
    JSON.stringify(JSON.stringify({ 'set-cookie': [`id=${opaque}`], authorization: `Custom ${opaque}` })).replace('[', ''),
    [opaque],
  ],
  ['a password in a URL', `postgres://orders:${password}@db:5432/orders`, [password]],
  ['a password with an @ and a slash in a URL', `redis://:${password}@/x@cache:6379`, [password]],
  ['a password without a name in a URL', `https://:${password}@example.org/`, [password]],
  ['a password in a connection string', `host=db password=${password} dbname=orders`, [password]],
  ['a quoted password', `password="${password} and more" host=db`, [password, 'and more']],
  ['a password with a quote in it', `{"password":"${password}\\"tail-of-it","host":"db"}`, [password, 'tail-of-it']],
  ['a password in brackets', `password=[${password}]`, [password]],
  ['a password in a form', `user=web&password=${password}&page=2`, [password]],
  ['a password in an encoded query', `redirect=%2Flogin%3Fapi_key%3D${opaque}`, [opaque]],
  ['a token in a query', `GET /callback?access_token=${opaque}&state=1`, [opaque]],
  ['a secret of a YAML file', `client_secret: ${password}\nid: web`, [password]],
  ['a key of an environment', `DATABASE_PASSWORD=${password} API_KEY='${opaque}' SIGNING_KEY=${opaque}x`, [password, opaque]],
  ['a secret of a program', `const token = '${opaque}'; passphrase => "${password}"`, [opaque, password]],
];

describe('the text of a line', () => {
  it.each(texts)('has not %s', (_rule, text, secrets) => {
    const { log, lines } = createMemoryLog();
    log.info(text);
    log.info({ field: text, nested: { list: [text] }, [text]: 1 }, 'fields');
    log.error(new Error(text));
    for (const line of lines) for (const secret of secrets) expect(line).not.toContain(secret);
  });

  it('keeps what is around a secret', () => {
    const { log, parsed } = createMemoryLog();
    log.info(`cannot reach postgres://orders:${password}@db:5432/orders?sslmode=verify-full in 3 s`);
    log.info(`user=web&password=${password}&page=2`);
    log.info(`the token ${jwt} of spiffe://example.org/web was refused`);
    expect(parsed().map(({ msg }) => msg)).toEqual([
      'cannot reach postgres://orders:[redacted]@db:5432/orders?sslmode=verify-full in 3 s',
      'user=web&password=[redacted]&page=2',
      'the token [redacted] of spiffe://example.org/web was refused',
    ]);
  });
});

describe('the fields of a line', () => {
  const names = [
    'password',
    'dbPassword',
    'DB_PASSWORD',
    'passwd',
    'pwd',
    'passphrase',
    'pass',
    'secret',
    'client_secret',
    'secrets',
    'token',
    'accessToken',
    'refresh-token',
    'api_key',
    'apiKey',
    'x-api-key',
    'API KEY',
    'private_key',
    'privateKey',
    'secretKey',
    'accessKey',
    'signingKey',
    'credentials',
    'auth',
    'Authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'jwt',
    'session_id',
    'otp',
  ];

  it.each(names)('has no value named %s, of whatever type', (name) => {
    const { log, lines } = createMemoryLog();
    const held = 'not-to-be-seen';
    for (const value of [held, [held], { value: held }, 918_273_645, new Map([['x', held]])]) {
      log.info({ [name]: value }, 'top');
      log.info({ config: { list: [{ [name]: value }] } }, 'nested');
      log.info({ headers: new Map([[name, value]]) }, 'map');
      log.info({ pairs: [[name, value]], raw: ['host', 'example.org', name, value] }, 'pairs');
      log.child({ [name]: value }).info('child');
      log.error(Object.assign(new Error('failed'), { [name]: value }));
    }
    for (const line of lines) {
      if (/918273645/.test(line) && /s$/i.test(name)) continue;
      expect(line).not.toContain(held);
      expect(line).not.toContain('918273645');
    }
  });

  it('has whether there is a secret, and how many', () => {
    const { log, parsed } = createMemoryLog();
    log.info({ token: null, password: false, secret: '', tokens: 812, secretName: 'orders-tls', tokenType: 'jwt-svid', keys: 3 }, 'counts');
    expect(parsed()[0]).toMatchObject({
      token: null,
      password: false,
      secret: '',
      tokens: 812,
      secretName: 'orders-tls',
      tokenType: 'jwt-svid',
      keys: 3,
    });
  });
});

/** What people want to read in a log as it is. */
const harmless = [
  'spiffe://example.org/ns/payments/sa/orders-7d9f8b6c5d-x2x4z',
  'spiffe://prod.acme.com/ns/kube-system/sa/aws-load-balancer-controller',
  'GET /v1/customers/550e8400-e29b-41d4-a716-446655440000/orders/12345678',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  '/orders.v1.OrdersService/GetOrderById',
  '4bf92f3577b34da6a3ce929d0e0e4736',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  '507f1f77bcf86cd799439011',
  'ERR_PEER_EXTENDED_KEY_USAGE_INVALID',
  'getPeerX509Certificate is not a function',
  'Error: connect ECONNREFUSED 10.244.12.7:8443\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)',
  '    at file:///app/node_modules/@grpc/grpc-js/build/src/http2-server-transport-interceptors.js:31:19',
  '    at /app/node_modules/.pnpm/fastify@5.12.8/node_modules/fastify/lib/handle-request.js:12:3',
  '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
  '2026-11-24T12:23:06.637Z to 2026-11-24T12:24:06.637Z',
  'the basic constraints of a CA, bearer tokens and basic authentication',
  'Unexpected token } in JSON at position 4',
  'unix:///run/spire/agent-sockets/spire-agent.sock',
  'registry.example.org/acme/orders-service:v1.12.3-rc.4',
  'wrote 1024 2048 4096 bytes to /var/lib/orders/data/000001.wal in 12 ms',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'serial 5f3c9a1b7e2d4860a1b2c3d4e5f60718 of TLSv1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768',
  'Zürich, Kraków, 東京 and 🦊',
  'http://localhost:9090/metrics, see https://example.org/docs/runbooks/identity#renewal',
  'user@example.org',
];

describe('what is no secret', () => {
  it.each(harmless)('stays as it is: %s', (text) => {
    const { log, parsed } = createMemoryLog();
    log.info({ field: text, list: [text, 'x'] }, text);
    expect(parsed()[0]).toMatchObject({ field: text, list: [text, 'x'], msg: text });
  });

  it('stays as it is in lists of names, numbers and IDs', () => {
    const { log, parsed } = createMemoryLog();
    const lists = {
      names: ['orders', 'payments', 'web', 'order1', 'order2', 'order3', 'order4', 'GET', 'POST', 'h2'],
      countries: ['DE', 'FR', 'PL', 'CH', 'AT', 'IT', 'ES', 'PT', 'NL', 'BE', 'LU', 'DK'],
      latencies: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
      ids: ['550e8400-e29b-41d4-a716-446655440000', '550e8400-e29b-41d4-a716-446655440001', '4bf92f3577b34da6a3ce929d0e0e4736'],
    };
    log.info(lists, 'lists');
    expect(parsed()[0]).toMatchObject(lists);
  });
});
