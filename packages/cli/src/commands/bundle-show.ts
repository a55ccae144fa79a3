// ephemos bundle show: the trust bundle of a server's trust domain.
import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { jsonText } from '../output/text.ts';
import { describe } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface ShowFlags extends ServerFlags {
  readonly format: 'pem' | 'json';
}

/** Makes the command. */
export function createBundleShow(context: Context): Command {
  const command = serverCommand('show', 'print the trust bundle of the trust domain of a server')
    .addOption(
      new Option('--format <format>', 'pem, the X.509 authorities; json, a SPIFFE bundle with the JWT authorities too')
        .choices(['pem', 'json'])
        .default('pem'),
    )
    .action((flags: ShowFlags) => show(flags, context));
  return describe(command, {
    examples: [
      'ephemos bundle show --server unix:///run/spire-server/private/api.sock',
      'ephemos bundle show --format json --server spire-server:8081',
    ],
    exits: serverExits,
  });
}

async function show(flags: ShowFlags, context: Context): Promise<void> {
  const { bundleDocument, bundlePem } = await import('../output/spiffe-bundle.ts');
  const bundle = await withServer(flags, context, (server) => server.fetchBundle());
  context.print(flags.format === 'json' ? `${jsonText(bundleDocument(bundle), 2)}\n` : bundlePem(bundle));
}
