// Redis over mTLS: it admits every SVID of its trust domain, and this service admits one server by its SPIFFE ID.
import { authorizeId, openX509Source } from 'ephemos';
import { createRedisConnector } from 'ephemos/ioredis';
import { Redis } from 'ioredis';

const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/database');

const redis = new Redis({
  host: process.argv[2] ?? 'localhost',
  port: Number(process.argv[3] ?? 6379),
  Connector: createRedisConnector({ source, authorize }),
  // Up to Redis 8.4 its users have passwords: the certificate says that somebody may come in, not who it is.
  username: process.env.REDIS_USER,
  password: process.env.REDIS_PASSWORD,
  maxRetriesPerRequest: 2,
});
redis.on('error', (error) => console.error(`${error.code}: ${error.message}`));

const count = await redis.incr('reports:visits').finally(() => redis.disconnect());
console.log(`visit ${count} of ${process.env.REDIS_USER ?? 'the default user'}`);
await source.close();
