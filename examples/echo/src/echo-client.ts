#!/usr/bin/env node
// The echo client as a command: a message in; what the server says, and who it says we are, out.
import { parseArgs } from 'node:util';
import { configPath, exitCodes, loadConfig } from '@ephemos/service';
import { authorizeOneOf, openX509Source } from 'ephemos';
import { createEchoClient } from './call.ts';
import { Failure, report } from './failure.ts';

const usage = 'usage: echo-client <message> [--server host:port] [--protocol grpc|http] [--count N] [--timeout seconds]';
const misused = (what: string): Failure => new Failure(exitCodes.usage, what, usage);

async function main(words: string[]): Promise<void> {
  const { values, positionals } = readWords(words);
  if (values.help) return void process.stdout.write(`${usage}\n`);
  const [message, ...rest] = positionals;
  if (message === undefined) throw misused('there is no message to send');
  if (rest.length > 0) throw misused(`unexpected argument ${JSON.stringify(rest[0])}: put quotes around a message of several words`);
  const { server = '127.0.0.1:8080', protocol = 'grpc' } = values;
  if (!/^(\[[\dA-Fa-f:.]+\]|[\w.-]+):\d{1,5}$/.test(server)) throw misused(`--server ${server} is no host:port`);
  if (protocol !== 'grpc' && protocol !== 'http') throw misused(`--protocol ${protocol} is neither grpc nor http`);
  const count = readNumber('count', values.count ?? '1', 1_000_000);
  const timeout = readNumber('timeout', values.timeout ?? '10', 3_600) * 1_000;

  const { service, socket } = loadConfig();
  if (service.trustedServers === undefined) {
    const hint = 'write the SPIFFE IDs of the servers, as in trusted_servers: [spiffe://example.org/echo-server]';
    throw new Failure(exitCodes.config, `${configPath({})}: service.trusted_servers: this key is missing`, hint);
  }
  const onWaiting = (reason: Error): void => void process.stderr.write(`waiting: ${reason.message}\n`);
  await using source = await openX509Source({ endpoint: socket?.endpoint, id: service.spiffeId, timeout, onWaiting });
  const authorize = authorizeOneOf(service.trustedServers);
  await using client = createEchoClient[protocol]({ server, source, authorize, timeout });
  for (let call = 0; call < count; call++) {
    const reply = await client.echo(message);
    process.stdout.write(`${reply.message}  (the server knows us as ${reply.caller})\n`);
  }
}

function readWords(args: string[]) {
  const text = { type: 'string' } as const;
  const options = { server: text, protocol: text, count: text, timeout: text, help: { type: 'boolean', short: 'h' } } as const;
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw misused(error instanceof Error ? error.message : String(error));
  }
}

function readNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw misused(`--${option} ${text} is no whole number from 1 to ${most}`);
}

main(process.argv.slice(2)).then(
  () => process.exit(exitCodes.ok),
  (error: unknown) => process.exit(report(error)),
);
