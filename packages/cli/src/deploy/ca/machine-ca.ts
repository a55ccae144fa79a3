// The name of a machine in; a certificate that says so out, under an authority of machines that stays offline with the root. By it the machine's agent
// joins SPIRE (x509pop).
import { join } from 'node:path';
import { type Issued, issue } from '../keys/certificate.ts';
import { LIVES } from '../keys/host-keys.ts';
import { judgeCertificate } from '../keys/judge-certificate.ts';
import { readTogether, replaceSecret, writeSecret } from '../keys/key-files.ts';
import { demand, readRoot, refusal } from './authority.ts';
import { dueOf, type Life } from './lives.ts';
import { offline, onMachine, refuseTogether } from './places.ts';
import { signerOf } from './renew-ca.ts';
import { type CaReport, reportOf } from './report.ts';

/** What is asked for. */
export interface MachineCa {
  /** The common name, which is in the ID of the machine's agent. */
  readonly machine: string;
  readonly offline: string;
  readonly out: string;
  readonly days: number;
  /** Also when it is not due. */
  readonly force: boolean;
  readonly now: Date;
  readonly dryRun?: boolean | undefined;
}

const MACHINE = /^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/;

/**
 * Signs one when it is due, or none is there; the first one makes the authority too.
 * @throws {EphemosError} ERR_CONFIG_INVALID, before anything is written
 */
export async function machineCa(asked: MachineCa): Promise<readonly CaReport[]> {
  const { machine, offline: kept, out, days, force, now, dryRun = false } = asked;
  if (!MACHINE.test(machine))
    throw refusal(`${JSON.stringify(machine)} is no name of a machine`, 'use lower-case letters, digits, "-" and "."');
  refuseTogether(kept, out);
  const authority = readAuthority(kept, now);
  const before = readMachine(asked, authority);
  const until = (count: number): Life => ({ from: now, until: new Date(now.getTime() + count * 86_400_000) });
  const renew = before === undefined || force || dueOf(before, 0) <= now;
  const found = [
    { what: 'authority of machines', state: authority === undefined ? 'new' : 'kept', path: join(kept, offline.machines.certificate) },
    { what: 'machine', state: before === undefined ? 'new' : renew ? 'renewed' : 'kept', path: join(out, onMachine.certificate) },
  ] as const;
  if (renew && !dryRun) await write(asked, authority, before !== undefined);
  const after = renew && !dryRun ? readAuthority(kept, now) : authority;
  const made = renew && !dryRun ? readMachine(asked, after) : renew ? until(days) : before;
  return [
    reportOf(found[0], after ?? until(LIVES.machines), { below: days * 86_400_000, now }),
    reportOf(found[1], made ?? until(days), { below: 0, now }),
  ];
}

type Authority = Life & Pick<Issued, 'certificate' | 'key'>;

async function write(
  { machine, offline: kept, out, days, now }: MachineCa,
  authority: Authority | undefined,
  there: boolean,
): Promise<void> {
  const { certificate, key } = offline.machines;
  const organization = readRoot(kept, now)?.organization ?? 'machines';
  const made = authority ?? (await issue({ organization, name: `${organization} machines`, pathLength: 0, days: LIVES.machines, now }));
  if (authority === undefined) {
    writeSecret(kept, key, made.key, undefined);
    writeSecret(kept, certificate, made.certificate, undefined);
  }
  const issuer = await signerOf(made, join(kept, key));
  const signed = await issue({ organization, name: machine, issuer, days, now });
  const put = there ? replaceSecret : (base: string, name: string, text: string) => writeSecret(base, name, text, undefined);
  put(out, onMachine.key, signed.key);
  put(out, onMachine.certificate, signed.certificate);
  if (!there) writeSecret(out, onMachine.authority, made.certificate, undefined);
}

function readAuthority(directory: string, now: Date): Authority | undefined {
  const names = offline.machines;
  const text = readTogether(directory, [names.certificate, names.key]);
  if (text === undefined) return undefined;
  const [path, certificate, key] = [join(directory, names.certificate), text(names.certificate), text(names.key)];
  const issuers = { name: path, pem: certificate };
  const life = demand(
    judgeCertificate({
      certificate: path,
      pem: certificate,
      key: { name: join(directory, names.key), pem: key },
      issuers,
      authority: true,
      now,
    }),
  );
  return { certificate, key, ...life };
}

function readMachine({ machine, offline: kept, out }: MachineCa, authority: Authority | undefined): Life | undefined {
  const text = readTogether(out, Object.values(onMachine));
  if (text === undefined) return undefined;
  if (authority === undefined)
    throw refusal(`a machine is in ${out}, and the authority of machines is not in ${kept}`, 'bring it, or name an empty directory');
  return demand(
    judgeCertificate({
      certificate: join(out, onMachine.certificate),
      pem: text(onMachine.certificate),
      key: { name: join(out, onMachine.key), pem: text(onMachine.key) },
      issuers: { name: join(kept, offline.machines.certificate), pem: authority.certificate },
      authority: false,
      name: machine,
      now: undefined,
    }),
  );
}
