// axios: our agent for both schemes, so that a URL or redirect with http fails instead of going out unprotected.
import axios from 'axios';
import { authorizeId, createAgent, openX509Source } from 'ephemos';

const source = await openX509Source();
const agent = createAgent({ source, authorize: authorizeId('spiffe://example.org/orders') });

const client = axios.create({
  baseURL: process.argv[2] ?? 'https://localhost:8443',
  adapter: 'http',
  httpAgent: agent,
  httpsAgent: agent,
  proxy: false,
});
try {
  console.log((await client.get('/orders')).data);
} catch (error) {
  // An AxiosError prints its whole configuration; code, message and cause are what is ours.
  console.error(error.code, error.message, error.cause);
  process.exitCode = 1;
}
