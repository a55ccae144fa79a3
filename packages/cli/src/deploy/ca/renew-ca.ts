// The root, brought back for a moment, in; another upstream authority below it out. The one before it stays good until its own end.
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { type Curve, type Issuer, issuerOf } from '../keys/certificate.ts';
import { makeAuthority } from '../keys/host-keys.ts';
import { replaceSecret, writeSecret } from '../keys/key-files.ts';
import { type Root, readRoot, readUpstream, refusal } from './authority.ts';
import { checkLives, dueOf } from './lives.ts';
import { offline, onServer, refuseTogether } from './places.ts';
import { type CaReport, reportOf } from './report.ts';

/** What is asked for. */
export interface RenewCa {
  readonly offline: string;
  readonly out: string;
  readonly curve: Curve;
  readonly days: number;
  /** Milliseconds that the authorities of SPIRE's servers live (ca_ttl). */
  readonly authority: number;
  /** Also when it is not due. */
  readonly force: boolean;
  readonly now: Date;
  readonly dryRun?: boolean | undefined;
}

/**
 * Signs one when it is due, or none is there.
 * @throws {EphemosError} ERR_CONFIG_INVALID, before anything is written, when there is no root, or what is there is not below it
 */
export async function renewCa(asked: RenewCa): Promise<CaReport> {
  const { offline: kept, out, days, authority, now, dryRun = false } = asked;
  refuseTogether(kept, out);
  const root = readRoot(kept, now);
  if (root === undefined) throw refusal(`there is no root in ${kept}`, 'bring the one that "ephemos deploy ca init" made');
  const before = readUpstream(out, root);
  const found = { what: 'upstream authority', path: join(out, onServer.certificate) } as const;
  const lives = { below: authority, now };
  if (before !== undefined && !asked.force && dueOf(before, authority) > now) return reportOf({ ...found, state: 'kept' }, before, lives);
  checkLives({ days, authority, root: root.until, now });
  const state = before === undefined ? 'new' : 'renewed';
  if (dryRun) return reportOf({ ...found, state }, { from: now, until: new Date(now.getTime() + days * 86_400_000) }, lives);
  await write(asked, root, before !== undefined);
  const made = readUpstream(out, root);
  if (made === undefined) throw new TypeError('what was written is not there');
  return reportOf({ ...found, state }, made, lives);
}

async function write({ offline: kept, out, curve, days, now }: RenewCa, root: Root, there: boolean): Promise<void> {
  const { organization, domain } = root;
  const issuer = await signerOf(root, join(kept, offline.root.key));
  const { key, certificate } = await makeAuthority(organization, now, { domain, curve, issuer, days });
  // SPIRE goes on with what it has when it finds the one without the other.
  if (there) {
    replaceSecret(out, onServer.key, key);
    replaceSecret(out, onServer.certificate, certificate);
    return;
  }
  writeSecret(out, onServer.key, key, undefined);
  writeSecret(out, onServer.certificate, certificate, undefined);
  writeSecret(out, onServer.roots, root.certificate, undefined);
}

/** @throws {EphemosError} ERR_CONFIG_INVALID when the key is of a kind that nothing here makes */
export async function signerOf(root: Pick<Root, 'certificate' | 'key'>, path: string): Promise<Issuer> {
  try {
    return await issuerOf(root);
  } catch (cause) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${path} cannot sign`, {
      hint: 'it has to be a key on P-256 or P-384, as PKCS #8 without a passphrase',
      cause,
    });
  }
}
