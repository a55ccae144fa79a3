// The Ephemos peer of the interoperability suite: `serve` offers HTTP, raw TLS and gRPC to one SPIFFE ID, `call` sends one message
// to a server of one SPIFFE ID. Takes the arguments of the Go peer and prints the same lines.
import { subscribe } from 'node:diagnostics_channel';
import { authorizeId, openX509Source } from 'ephemos';
import { call } from './call.js';
import { say } from './say.js';
import { serve } from './serve.js';

const exitUsage = 2;
const exitRefused = 4;

subscribe('ephemos:tls:refused', (message) => {
  const { error } = /** @type {{ error: Error & { code: string } }} */ (message);
  say({ event: 'refused', reason: `${error.code} ${error.message}` });
});

/** @param {readonly string[]} words `-name value` pairs, as Go's flag package takes them */
function readFlags(words) {
  /** @type {Record<string, string>} */
  const flags = {};
  for (let at = 0; at < words.length; at += 2) flags[(words[at] ?? '').replace(/^--?/, '')] = words[at + 1] ?? '';
  return flags;
}

/**
 * @param {number} code
 * @param {unknown} error
 * @returns {never}
 */
function fail(code, error) {
  /** @type {string[]} */
  const told = [];
  for (let cause = error; cause instanceof Error && told.length < 4; cause = cause.cause) {
    told.push(`${'code' in cause ? `${cause.code} ` : ''}${cause.message}`);
  }
  process.stderr.write(`error: ${told.length === 0 ? String(error) : told.join(' <- ')}\n`);
  process.exit(code);
}

const [command, ...words] = process.argv.slice(2);
const { peer = '', protocol = '', server = '', message = '' } = readFlags(words);
if (command !== 'serve' && command !== 'call') fail(exitUsage, `${command}: serve or call?`);
try {
  const authorize = authorizeId(peer);
  const source = await openX509Source();
  if (command === 'serve') await serve({ source, authorize });
  else {
    say(await call({ source, authorize, protocol, server, message }));
    process.exit(0);
  }
} catch (error) {
  fail(exitRefused, error);
}
