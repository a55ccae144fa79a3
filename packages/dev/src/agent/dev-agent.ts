// What a development agent is: its options, the identities it lists and its switches.
import type { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import type { AuthorityOptions } from '../authority/authority-options.ts';
import type { EntryOptions } from '../registry/entry.ts';
import type { OnDevAgentEvent } from './event.ts';
import type { Faults } from './faults.ts';

/** How an agent is opened. */
export interface DevAgentOptions extends AuthorityOptions {
  readonly trustDomain: string | TrustDomain;
  /** Where the sockets are. Made with mode 0700 when it is not there. Default: a new one under the temporary directory. */
  readonly directory?: string | undefined;
  /** Registered from the start. */
  readonly identities?: readonly EntryOptions[] | undefined;
  readonly onEvent?: OnDevAgentEvent | undefined;
}

/** An identity as the agent lists it. */
export interface DevIdentity {
  readonly id: SpiffeId;
  readonly hint: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly pid: number | undefined;
  readonly expiresAt: Date;
}

/** A running development agent. It holds a CA key: for development and tests only. */
export interface DevAgent extends AsyncDisposable {
  readonly trustDomain: TrustDomain;
  /** Absolute; holds every socket. */
  readonly directory: string;
  /** The socket whose callers are told apart by uid, gid and pid; undefined where the platform cannot. */
  readonly sharedEndpoint: string | undefined;
  /** Why there is no shared socket. */
  readonly sharedUnavailable: string | undefined;
  /** The socket of an ID, or of several together, as SPIFFE_ENDPOINT_SOCKET takes it. Registers what is new. */
  endpointFor(ids: string | SpiffeId | readonly (string | SpiffeId)[]): Promise<string>;
  /** Issues an SVID. An entry with uid, gid or pid is also served to the callers it fits on the shared socket. */
  register(entry: EntryOptions): Promise<DevIdentity>;
  /** Takes the identity away: PermissionDenied on open streams and new calls. True when there was one. */
  remove(id: string | SpiffeId): Promise<boolean>;
  identities(): readonly DevIdentity[];
  /** New SVIDs now, for all or for one ID. @throws {EphemosError} ERR_IDENTITY_NOT_FOUND */
  rotate(id?: string | SpiffeId): Promise<void>;
  /** A new CA. With overlap peers learn the new root before it signs, and the old one stays in the bundle; without, it is gone at once. */
  rotateAuthority(options: { readonly overlap: boolean }): Promise<void>;
  /** Drops the roots that an overlap kept. */
  retireAuthorities(): Promise<void>;
  /** The root certificates of the trust domain, DER, oldest first. */
  bundleDer(): Promise<readonly Uint8Array[]>;
  federate(trustDomain: string | TrustDomain, authoritiesDer: readonly Uint8Array[]): void;
  unfederate(trustDomain: string | TrustDomain): void;
  readonly faults: Faults;
  /** Closes the Workload API sockets and opens them again, with the same CA and identities. */
  restart(options?: { readonly downSeconds?: number | undefined }): Promise<void>;
  /** Ends every stream and removes what was made. */
  close(): Promise<void>;
}
