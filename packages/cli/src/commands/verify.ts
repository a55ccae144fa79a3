// ephemos verify: dials a peer with the identity of this process and tells who it is, what it presented and whether it would be talked to.
import { Command, InvalidArgumentError, Option } from 'commander';
import { EphemosError } from 'ephemos/errors';
import type { X509Context } from 'ephemos/workload-api';
import type { Context } from '../context.ts';
import { explainConnectFailure } from '../explain-connect-failure.ts';
import { type Address, formatAddress, parseAddress } from '../input/address.ts';
import { type ExpectationFlags, readExpectation } from '../input/expectation.ts';
import { exitCodeOf, exitCodes } from '../output/exit-code.ts';
import { createStyle, jsonText } from '../output/text.ts';
import { type Verdict, verdictJson, verdictText } from '../output/verdict.ts';
import { fetchWorkload } from '../workload.ts';
import { describe, type FormatOption, formatOption, socketOption, timeoutOption } from './options.ts';

interface VerifyOptions extends FormatOption, ExpectationFlags {
  readonly socket?: string;
  readonly alpn?: readonly string[];
  readonly timeout: number;
}

/** Makes the command. */
export function createVerify(context: Context): Command {
  const command = new Command('verify')
    .description('dial a peer with the identity of this process; show its chain, its SPIFFE ID and the verdict')
    .argument('<host:port>', 'the peer', parseAddress)
    .option('--id <spiffe id>', 'the peer must be this workload')
    .option('--member-of <trust domain>', 'the peer must be a workload of this trust domain')
    .option('--any', 'the peer may be whoever is verified')
    .addOption(
      new Option('--alpn <protocols>', 'application protocols to offer, the preferred one first, such as h2,http/1.1').argParser(parseAlpn),
    )
    .addOption(socketOption())
    .addOption(timeoutOption('how long the Workload API may take, and how long the handshake'))
    .addOption(formatOption('one document'))
    .action(async (address: Address, options: VerifyOptions) => context.finish(await verify(address, options, context)));
  return describe(command, {
    examples: ['ephemos verify orders:8443 --id spiffe://example.org/orders', 'ephemos verify [::1]:8443 --any --alpn h2 --format json'],
    exits: {
      0: 'verified, authorized, and not refused by the peer',
      1: 'no connection',
      4: 'refused: by us, or by the peer; or no identity issued',
    },
  });
}

async function verify(address: Address, options: VerifyOptions, context: Context): Promise<number> {
  const { authorize, rule } = readExpectation(options);
  const { context: identity } = await fetchWorkload(options.socket, options.timeout);
  const svid = defaultSvid(identity);
  const { inspectUnadmittedPeer } = await import('ephemos/tls');
  const target = formatAddress(address);
  const { alpn: protocols, timeout } = options;
  const inspection = await inspectUnadmittedPeer({ ...address, svid, bundles: identity.bundles, authorize, protocols, timeout }).catch(
    (error: unknown) => {
      throw explainConnectFailure(error, target);
    },
  );
  const verdict: Verdict = { target, rule, own: svid.id, inspection, now: Date.now() };
  context.print(
    options.format === 'json' ? `${jsonText(verdictJson(verdict), 2)}\n` : verdictText(verdict, createStyle(context.color), context.width),
  );
  if (inspection.refusal !== undefined) return exitCodeOf(inspection.refusal);
  return inspection.reception === 'closed' ? exitCodes.identity : exitCodes.ok;
}

function defaultSvid({ svids: [svid] }: X509Context): X509Context['svids'][number] {
  if (svid === undefined) throw new EphemosError('ERR_IDENTITY_UNAVAILABLE', 'the Workload API sent no SVID');
  return svid;
}

function parseAlpn(text: string): readonly string[] {
  const protocols = text.split(',').map((protocol) => protocol.trim());
  // RFC 7301 section 3.1: a protocol name is 1 to 255 bytes.
  const good = protocols.every((protocol) => protocol !== '' && Buffer.byteLength(protocol) <= 255);
  if (!good) throw new InvalidArgumentError('Write protocol names with commas between them, such as h2,http/1.1.');
  return protocols;
}
