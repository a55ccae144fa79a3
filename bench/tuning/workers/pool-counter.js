// Counts the operations of a process that go through libuv's thread pool, by the names that async_hooks has for them.
import { createHook } from 'node:async_hooks';

/** getaddrinfo, files, and what node:crypto and node:zlib do in the background. Signatures are not among them: those that are checked at once have the same name. */
const POOLED =
  /^(?:GETADDRINFOREQWRAP|GETNAMEINFOREQWRAP|FSREQCALLBACK|FSREQPROMISE|FILEHANDLECLOSEREQ|\w*(?:PBKDF2|SCRYPT|RANDOMBYTES|RANDOMPRIME|KEYPAIRGEN|KEYGEN|KEYEXPORT|HKDF|CIPHER|HASH|DERIVEBITS|CHECKPRIME)\w*REQUEST|ZLIB)$/;

export function createPoolCounter() {
  let counts = {};
  const hook = createHook({
    init(_id, type) {
      if (POOLED.test(type)) counts[type] = (counts[type] ?? 0) + 1;
    },
  });
  return {
    start() {
      counts = {};
      hook.enable();
    },
    stop() {
      hook.disable();
      return counts;
    },
  };
}
