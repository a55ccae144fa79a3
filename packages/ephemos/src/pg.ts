// 'ephemos/pg': PostgreSQL over SPIFFE mTLS, through the `stream` option of pg 8.
export { createPgStream, type PgStreamFactory, type PgStreamOptions } from './databases/create-pg-stream.ts';
export type { SslNegotiation } from './databases/pg-stream.ts';
export { type PgClient, type PgPool, retireClients } from './databases/retire-clients.ts';
export { peerOf } from './tls/peer-of.ts';
