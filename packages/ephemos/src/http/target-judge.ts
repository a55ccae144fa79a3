// What a caller asks for in, undefined or how it is refused out: the one judgement behind the gate of a server and those of its routes.
import { type Authorizer, decide, decidesTargets } from '../authorize/authorizer.ts';
import type { Target } from '../authorize/target.ts';
import { formatTarget } from '../authorize/target-text.ts';
import { type EphemosError, isEphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import type { Peer } from '../spiffe/peer.ts';

/** Who asks. */
export interface Asker {
  readonly peer: Peer;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What is asked for: as it was sent, and in the form that rules are compared with. */
export interface Asked {
  readonly text: () => string;
  /** @throws {EphemosError} ERR_TARGET_INVALID */
  readonly parse: () => Target;
}

/** How a request is refused. */
export interface TargetRefusal {
  /** 400: its target is in no form that could be compared with a rule. 403: the authorizer does not admit it. */
  readonly status: 400 | 403;
  readonly error: EphemosError;
}

// What an audit may show of a target that is in no form to be compared.
const MAX_SHOWN_CHARACTERS = 256;

/** Asks an authorizer that `checkAuthorizer` returned, about peer and target, or about the peer alone when it takes no target. Publishes the answer. */
export function judgeTarget(authorize: Authorizer, asker: Asker, asked: Asked): TargetRefusal | undefined {
  const target = decidesTargets(authorize) ? read(asked) : undefined;
  if (isEphemosError(target)) {
    tell(asker, () => shorten(asked.text()), { allowed: false, rule: undefined, reason: 'target_invalid' });
    return { status: 400, error: target };
  }
  const { refusal, allowed, rule, reason } = decide(authorize, asker.peer, target);
  tell(asker, () => shown(target ?? read(asked), asked), { allowed, rule, reason });
  return refusal === undefined ? undefined : { status: 403, error: refusal };
}

function read({ parse }: Asked): Target | EphemosError {
  try {
    return parse();
  } catch (error) {
    if (isEphemosError(error, 'ERR_TARGET_INVALID')) return error;
    throw error;
  }
}

interface Answer {
  readonly allowed: boolean;
  readonly rule: string | undefined;
  readonly reason: string;
}

function tell({ peer, socket }: Asker, target: () => string, answer: Answer): void {
  publish('decision', () => ({
    role: 'server',
    gate: 'request',
    peer: peer.id.toString(),
    target: target(),
    ...answer,
    remoteAddress: socket.remoteAddress,
  }));
}

function shown(target: Target | EphemosError, { text }: Asked): string {
  return isEphemosError(target) ? shorten(text()) : formatTarget(target);
}

// Without the query, where people put tokens.
function shorten(text: string): string {
  return (text.split(/[?#]/, 1)[0] ?? '').slice(0, MAX_SHOWN_CHARACTERS);
}
