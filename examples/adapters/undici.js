// undici and fetch: a dispatcher for undici's own calls and the global fetch, and createFetch, which needs none of it.
import { authorizeId, createFetch, openX509Source } from 'ephemos';
import { createDispatcher } from 'ephemos/undici';
import { request } from 'undici';

const url = new URL('/orders', process.argv[2] ?? 'https://localhost:8443');
const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/orders');

const dispatcher = createDispatcher({ source, authorize });
const { body } = await request(url, { dispatcher });
console.log('undici:', await body.text());
console.log('global fetch:', await (await fetch(url, { dispatcher })).text());

const ephemosFetch = createFetch({ source, authorize });
console.log('createFetch:', await (await ephemosFetch(url)).text());
