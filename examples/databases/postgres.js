// PostgreSQL without a password: it knows this service by the common name in its SVID, and the service knows it by its SPIFFE ID.
import { authorizeId, openX509Source } from 'ephemos';
import { createPgStream, retireClients } from 'ephemos/pg';
import { Pool } from 'pg';

const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/database');

// Host, port and the rest as ever: here, or in PGHOST, PGPORT and so on. Not `ssl`: the stream does that.
const pool = new Pool({ stream: createPgStream({ source, authorize }), user: 'orders_rw', database: 'shop' });
pool.on('error', (error) => console.error(error));
retireClients(pool);

const { rows } = await pool.query('SELECT current_user, version AS tls, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
console.log(`${rows[0].current_user} over ${rows[0].tls} as ${rows[0].client_dn}`);
await pool.end();
await source.close();
