// A trust domain and two directories in; its root in the one that is carried away, and what SPIRE's servers sign under in the other, out.
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { TrustDomain } from 'ephemos/spiffe';
import type { Curve } from '../keys/certificate.ts';
import { makeUpstream } from '../keys/host-keys.ts';
import { writeSecret } from '../keys/key-files.ts';
import { type Root, readRoot, readUpstream, refusal, type Upstream } from './authority.ts';
import { checkLives } from './lives.ts';
import { offline, onServer, refuseTogether } from './places.ts';
import { type CaReport, reportOf } from './report.ts';

/** What is asked for. */
export interface InitCa {
  readonly domain: string;
  /** Whose authority it is: the O of its certificates; undefined: the trust domain. */
  readonly organization?: string | undefined;
  /** Where the root and its key go. */
  readonly offline: string;
  /** Where that goes which the servers get. */
  readonly out: string;
  readonly curve: Curve;
  /** In days. */
  readonly lives: { readonly root: number; readonly upstream: number };
  /** Milliseconds that the authorities of SPIRE's servers live (ca_ttl). */
  readonly authority: number;
  readonly now: Date;
  readonly dryRun?: boolean | undefined;
}

/**
 * Makes both; where both are already, nothing is written.
 * @throws {EphemosError} ERR_CONFIG_INVALID, before anything is written, when only one is there, or one does not do
 */
export async function initCa(asked: InitCa): Promise<readonly CaReport[]> {
  const domain = trustDomainOf(asked.domain);
  refuseTogether(asked.offline, asked.out);
  const there = readBoth(asked, domain);
  if (there !== undefined) return reportsOf(asked, there, 'kept');
  const { lives, now, authority, dryRun = false } = asked;
  const until = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
  checkLives({ days: lives.upstream, authority, root: until(lives.root), now });
  const planned = { root: { from: now, until: until(lives.root) }, upstream: { from: now, until: until(lives.upstream) } };
  if (dryRun) return reportsOf(asked, planned, 'new');
  await write(asked, domain);
  // Read back as the next run will, which also finds a file system that keeps no modes.
  const made = readBoth(asked, domain);
  if (made === undefined) throw new TypeError('what was written is not there');
  return reportsOf(asked, made, 'new');
}

async function write({ organization, offline: kept, out, curve, lives, now }: InitCa, domain: string): Promise<void> {
  const { root, authority } = await makeUpstream(organization ?? domain, now, { domain, curve, lives });
  writeSecret(kept, offline.root.key, root.key, undefined);
  writeSecret(kept, offline.root.certificate, root.certificate, undefined);
  writeSecret(out, onServer.key, authority.key, undefined);
  writeSecret(out, onServer.certificate, authority.certificate, undefined);
  writeSecret(out, onServer.roots, root.certificate, undefined);
}

function readBoth({ offline: kept, out, now }: InitCa, domain: string): { readonly root: Root; readonly upstream: Upstream } | undefined {
  const root = readRoot(kept, now);
  const upstream = readUpstream(out, root);
  if (root === undefined && upstream === undefined) return undefined;
  if (root === undefined)
    throw refusal(`an upstream authority is in ${out}, and its root is not in ${kept}`, 'bring the root, or name an empty directory');
  if (root.domain !== domain) throw refusal(`the root in ${kept} is of ${root.domain}`, 'name another directory');
  if (upstream === undefined)
    throw refusal(
      `a root is in ${kept} already`,
      `sign an upstream authority below it: ephemos deploy ca renew --offline ${kept} --out ${out}`,
    );
  return { root, upstream };
}

function reportsOf(
  { offline: kept, out, lives, authority, now }: InitCa,
  { root, upstream }: { readonly root: Pick<Root, 'from' | 'until'>; readonly upstream: Pick<Upstream, 'from' | 'until'> },
  state: CaReport['state'],
): readonly CaReport[] {
  const below = lives.upstream * 86_400_000;
  return [
    reportOf({ what: 'root', state, path: join(kept, offline.root.certificate) }, root, { below, now }),
    reportOf({ what: 'upstream authority', state, path: join(out, onServer.certificate) }, upstream, { below: authority, now }),
  ];
}

// RFC 5280 section 4.2.1.10: a URI whose host is an address cannot be held against a constraint, and is refused by all who verify.
function trustDomainOf(text: string): string {
  const { name } = TrustDomain.parse(text);
  if (isIPv4(name)) throw refusal(`${name} is an address`, 'an authority is kept to its trust domain, which has to be a name for that');
  return name;
}
