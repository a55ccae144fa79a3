// A Redis server with TLS and nothing else: the SVID of a database, and clients with certificates of the same authorities.
import { Redis } from 'ioredis';
import { createThrowaway, freePort } from './throwaway.ts';
import type { Files } from './world.ts';

export interface RedisServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** A client that knows nothing of Ephemos, with a certificate: to prepare and to look. */
  readonly stock: Redis;
  /** Gives it other files, as spiffe-helper does at every rotation, and lets it read them. */
  present(files: Files): Promise<void>;
}

export interface RedisOptions {
  readonly files: Files;
  /** The program. */
  readonly program: string;
}

export async function openRedis({ files, program }: RedisOptions): Promise<RedisServer> {
  const folder = createThrowaway('redis');
  const port = await freePort();
  let generation = 0;

  function write({ certificate, key, authorities }: Files): Readonly<Record<string, string>> {
    generation += 1;
    return {
      'tls-cert-file': folder.write(`server-${generation}.crt`, certificate),
      'tls-key-file': folder.write(`server-${generation}.key`, key),
      'tls-ca-cert-file': folder.write(`authorities-${generation}.crt`, authorities),
    };
  }

  const settings = {
    ...write(files),
    port: '0',
    'tls-port': String(port),
    'tls-auth-clients': 'yes',
    'tls-protocols': 'TLSv1.3',
    bind: '127.0.0.1',
    save: '',
    dir: folder.path,
    // An ACL user of Redis 7 has a password or none; the certificate is not asked.
    user: 'reports on >secret ~reports:* +@all',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value === '' ? '""' : value}`);
  await folder.start(program, [folder.write('redis.conf', `${lines.join('\n')}\n`)], /Ready to accept connections/);

  const tls = { key: files.key, cert: files.certificate, ca: files.authorities, checkServerIdentity: () => undefined };
  const stock = new Redis({ host: '127.0.0.1', port, tls });
  return {
    host: '127.0.0.1',
    port,
    stock,
    async present(next) {
      await stock.call('CONFIG', 'SET', ...Object.entries(write(next)).flat());
    },
    async [Symbol.asyncDispose]() {
      stock.disconnect();
      await folder[Symbol.asyncDispose]();
    },
  };
}
