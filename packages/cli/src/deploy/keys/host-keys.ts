// The name of a deployment on hosts in; its authorities out: an offline root, the upstream authority under it, the authority of machines, one machine.
import { type Curve, type Issued, type Issuer, issue } from './certificate.ts';

/** How long each is good for, in days: the further from what is used every day, the longer. */
export const LIVES = { root: 3650, upstream: 365, machines: 3650, machine: 90 } as const;

/** SPIRE's upstream authority, and who signed it. */
export interface UpstreamKeys {
  /** Its certificate is the trust bundle; its key belongs on no server. */
  readonly root: Issued;
  readonly authority: Issued;
}

/** Who may join: an authority of its own, since it says which machines are ours. */
export interface MachineKeys {
  /** Its key belongs on no server either. */
  readonly authority: Issued;
  readonly machine: Issued;
}

/** What an upstream authority is made with. */
export interface UpstreamOptions {
  /** The trust domain that it is kept to. */
  readonly domain?: string | undefined;
  readonly curve?: Curve | undefined;
  /** In days. */
  readonly lives?: { readonly root: number; readonly upstream: number } | undefined;
}

/** Makes the root and what SPIRE's servers sign under. */
export async function makeUpstream(organization: string, now: Date, options: UpstreamOptions = {}): Promise<UpstreamKeys> {
  const { domain, curve, lives = LIVES } = options;
  // The root, the upstream authority, that of a server.
  const root = await issue({ organization, name: `${organization} root`, pathLength: 2, domain, curve, days: lives.root, now });
  return { root, authority: await makeAuthority(organization, now, { domain, curve, issuer: root, days: lives.upstream }) };
}

/** Makes another upstream authority below a root that is there. */
export function makeAuthority(
  organization: string,
  now: Date,
  { domain, curve, issuer, days }: Pick<UpstreamOptions, 'domain' | 'curve'> & { readonly issuer: Issuer; readonly days: number },
): Promise<Issued> {
  return issue({ organization, name: `${organization} upstream`, issuer, pathLength: 1, domain, curve, days, now });
}

/** Makes the authority of machines and the certificate of one; its name is in the ID of the agent there. */
export async function makeMachine(organization: string, machine: string, now: Date): Promise<MachineKeys> {
  const authority = await issue({ organization, name: `${organization} machines`, pathLength: 0, days: LIVES.machines, now });
  return { authority, machine: await issue({ organization, name: machine, issuer: authority, days: LIVES.machine, now }) };
}
