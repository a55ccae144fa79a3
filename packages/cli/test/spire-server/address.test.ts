import { describe, expect, it } from 'vitest';
import { CommandError } from '../../src/command-error.ts';
import { formatServer, resolveServer } from '../../src/spire-server/address.ts';

describe('the address of the server', () => {
  it.each<[text: string, address: object]>([
    ['unix:///run/spire/api.sock', { scheme: 'unix', path: '/run/spire/api.sock' }],
    ['unix:/run/spire/api.sock', { scheme: 'unix', path: '/run/spire/api.sock' }],
    ['spire-server:8081', { scheme: 'tls', host: 'spire-server', port: 8081 }],
    ['127.0.0.1:8081', { scheme: 'tls', host: '127.0.0.1', port: 8081 }],
    ['[::1]:8081', { scheme: 'tls', host: '::1', port: 8081 }],
  ])('%s', (text, address) => {
    expect(resolveServer(text, {})).toEqual(address);
    expect(resolveServer(undefined, { SPIRE_SERVER_ADDRESS: text })).toEqual(address);
    expect(formatServer(resolveServer(text, {})).replace('unix:///', 'unix:/')).toBe(text.replace('unix:///', 'unix:/'));
  });

  it('is that of the flag before that of the variable', () => {
    expect(resolveServer('a:1', { SPIRE_SERVER_ADDRESS: 'b:2' })).toMatchObject({ host: 'a' });
  });

  it.each([
    ['', 'is neither a socket nor a host and a port'],
    ['/run/api.sock', 'has no scheme'],
    ['unix://api.sock', 'has no absolute path'],
    ['unix:///', 'has no absolute path'],
    ['unix:///a\nb', 'has no absolute path'],
    [`unix:///${'a'.repeat(120)}`, 'has a path of more than'],
    ['https://spire-server:8081', 'is neither a socket nor a host and a port'],
    ['spire-server', 'is neither a socket nor a host and a port'],
    ['spire-server:0', 'is neither a socket nor a host and a port'],
  ])('may not be %j', (text, message) => {
    expect(() => resolveServer(text, {})).toThrow(message);
  });

  it('is not guessed', () => {
    for (const env of [{}, { SPIRE_SERVER_ADDRESS: '' }])
      expect(() => resolveServer(undefined, env)).toThrow(
        expect.objectContaining({ code: 'ERR_SERVER_ADDRESS_MISSING', exitCode: 3, constructor: CommandError }),
      );
  });
});
