// 'ephemos/ioredis': Redis over SPIFFE mTLS, through the `Connector` option of ioredis 5 and 6.
export { createRedisConnector, type RedisConnector } from './databases/redis-connector.ts';
export { peerOf } from './tls/peer-of.ts';
