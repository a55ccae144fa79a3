// The name of a deployment on hosts in; its authorities out: an offline root, the upstream authority under it, the authority of machines, one machine.
import { type Issued, issue } from './certificate.ts';

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

/** Makes the root and what SPIRE's servers sign under. */
export async function makeUpstream(organization: string, now: Date): Promise<UpstreamKeys> {
  // The root, the upstream authority, that of a server.
  const root = await issue({ organization, name: `${organization} root`, pathLength: 2, days: LIVES.root, now });
  const authority = await issue({ organization, name: `${organization} upstream`, issuer: root, pathLength: 1, days: LIVES.upstream, now });
  return { root, authority };
}

/** Makes the authority of machines and the certificate of one; its name is in the ID of the agent there. */
export async function makeMachine(organization: string, machine: string, now: Date): Promise<MachineKeys> {
  const authority = await issue({ organization, name: `${organization} machines`, pathLength: 0, days: LIVES.machines, now });
  return { authority, machine: await issue({ organization, name: machine, issuer: authority, days: LIVES.machine, now }) };
}
