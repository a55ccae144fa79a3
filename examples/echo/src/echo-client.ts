#!/usr/bin/env node
// The echo client as a command: a message in; what the server says, and who it says we are, out.
import { parseArgs } from 'node:util';
import { authorizeOneOf } from 'ephemos';
import { readConfig } from './config.ts';
import type { EchoClientOptions } from './echo.ts';
import { exitCodes, report, UsageError } from './failure.ts';
import { createGrpcEcho } from './grpc.ts';
import { createHttpEcho } from './http.ts';
import { openIdentity } from './identity.ts';

const usage = 'usage: echo-client <message> [--server host:port] [--protocol grpc|http] [--count N] [--timeout seconds]';
const clients = { grpc: createGrpcEcho, http: createHttpEcho };

interface Arguments {
  readonly message: string;
  readonly server: string;
  readonly createClient: (options: EchoClientOptions) => ReturnType<typeof createGrpcEcho>;
  readonly count: number;
  readonly timeout: number;
}

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    return exitCodes.ok;
  }
  const { message, server, createClient, count, timeout } = readArguments(words);
  const config = readConfig('trusted_servers');
  const source = await openIdentity(config, {
    timeout,
    onWaiting: (reason) => process.stderr.write(`waiting: ${reason.message}\n`),
  });
  const client = createClient({ server, source, authorize: authorizeOneOf(config.peers), timeout });
  try {
    for (let call = 0; call < count; call++) {
      const reply = await client.echo(message);
      process.stdout.write(`${reply.message}  (the server knows us as ${reply.caller})\n`);
    }
  } finally {
    await client.close();
    await source.close();
  }
  return exitCodes.ok;
}

function readArguments(words: readonly string[]): Arguments {
  const { values, positionals } = parse(words);
  const [message, ...rest] = positionals;
  if (message === undefined) throw new UsageError('there is no message to send');
  if (rest.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(rest[0])}: put quotes around a message of several words`);
  const { server, protocol } = values;
  if (!/^(\[[\dA-Fa-f:.]+\]|[\w.-]+):\d{1,5}$/.test(server)) throw new UsageError(`--server ${server} is no host:port`);
  if (protocol !== 'grpc' && protocol !== 'http') throw new UsageError(`--protocol ${protocol} is neither grpc nor http`);
  return {
    message,
    server,
    createClient: clients[protocol],
    count: readNumber('count', values.count, 1_000_000),
    timeout: readNumber('timeout', values.timeout, 3_600) * 1_000,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        server: { type: 'string', default: '127.0.0.1:8080' },
        protocol: { type: 'string', default: 'grpc' },
        count: { type: 'string', default: '1' },
        timeout: { type: 'string', default: '10' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${option} ${text} is no whole number from 1 to ${most}`);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(report(error, usage)),
);
