// The commands that mend what more than one rule finds.
import { entriesYaml } from '../../entries/entries-yaml.ts';
import type { Entry } from '../../entries/entry.ts';
import { type Mend, mend } from '../check.ts';
import { shellCommand, shellWord } from '../shell.ts';
import type { LiveEvidence } from './evidence.ts';

/** Starts an agent that has stopped. */
export const startAgent: Mend = mend(
  'start the agent, and look at the end of its log if it does not stay',
  'systemctl restart spire-agent',
);

/** Sets a clock right. */
export const setClock: Mend = mend('set the clock, and keep it set', 'timedatectl set-ntp true');

/** Gives an agent a join token. */
export function newToken({ serverName = '<server>' }: Pick<LiveEvidence, 'serverName'>): Mend {
  return mend(
    'make a new token on the machine of the server, and start the agent with it within ten minutes; it is good once',
    `ephemos token generate --ttl 10m --server ${shellWord(serverName)}`,
    "spire-agent run -config '<agent.conf>' -joinToken '<token>'",
  );
}

/** The words of spire-server that name its socket, where it is known. */
export function socketWords({ serverName = '' }: Pick<LiveEvidence, 'serverName'>): readonly string[] {
  return serverName.startsWith('unix:') ? ['-socketPath', serverName.replace(/^unix:(\/\/)?/, '')] : [];
}

/** `spire-server entry create`, or `update` for an entry that is there: that one sets every field. */
export function entryCommand(verb: 'create' | 'update', entry: Entry, evidence: Pick<LiveEvidence, 'serverName'>): string {
  const number = (flag: string, value: number): readonly string[] => (value === 0 ? [] : [flag, String(value)]);
  const flag = (name: string, value: boolean): readonly string[] => (value ? [name] : []);
  return shellCommand([
    'spire-server',
    'entry',
    verb,
    ...socketWords(evidence),
    ...(verb === 'update' ? ['-entryID', entry.entryId] : []),
    '-parentID',
    entry.parentId,
    '-spiffeID',
    entry.spiffeId,
    ...entry.selectors.flatMap((selector) => ['-selector', selector]),
    ...number('-x509SVIDTTL', entry.x509SvidTtl),
    ...number('-jwtSVIDTTL', entry.jwtSvidTtl),
    ...entry.dnsNames.flatMap((name) => ['-dns', name]),
    ...entry.federatesWith.flatMap((name) => ['-federatesWith', `spiffe://${name}`]),
    ...flag('-admin', entry.admin),
    ...flag('-downstream', entry.downstream),
    ...flag('-storeSVID', entry.storeSvid),
    ...number('-entryExpiry', entry.expiresAt),
    ...(entry.hint === '' ? [] : ['-hint', entry.hint]),
    ...flag('-disableX509SVIDPrefetch', entry.otherAttributes.includes('disable_x509_svid_prefetch')),
    ...flag('-jwtSVIDIncludeJTI', entry.otherAttributes.includes('jwt_svid_include_jti')),
  ]);
}

/** The entry as a file for `ephemos entries apply`. */
export function entriesFileLines(owner: string, entry: Entry): readonly string[] {
  return entriesYaml(owner, [entry]).trimEnd().split('\n');
}
