// Loaded into each program of the docs before it starts: the host names they use (orders, inventory, ...) lead to this machine.
import dns from 'node:dns';
import { isIP } from 'node:net';

function addressOf(name) {
  return isIP(name) === 0 ? { address: '127.0.0.1', family: 4 } : { address: name, family: isIP(name) };
}

dns.lookup = (name, options, callback = options) => {
  const found = addressOf(name);
  process.nextTick(() => (options.all ? callback(null, [found]) : callback(null, found.address, found.family)));
};
dns.promises.lookup = async (name, options) => (options?.all ? [addressOf(name)] : addressOf(name));
