// The log of an agent: the end of a file in; what its last run tells of attestation, of its server and of this process out.
// The words are those of SPIRE 1.15 (pkg/agent/agent.go, attestor/node, manager); e2e/spire/doctor provokes each.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { EphemosError } from 'ephemos/errors';
import { type LogLine, lineText, parseLogLine } from './log-line.ts';

/** So much of the end of the file is read, in bytes. */
export const MAX_LOG_BYTES: number = 1024 * 1024;

/** Why an agent is not attested, as its log says it. */
export type TroubleKind =
  | 'bundle-missing'
  | 'bundle-wrong'
  | 'clock'
  | 'expired'
  | 'failed'
  | 'refused'
  | 'server-unreachable'
  | 'token-expired'
  | 'token-missing'
  | 'token-used'
  | 'trust-domain';

/** Something that went wrong, and the line that says so. */
export interface Trouble {
  readonly kind: TroubleKind;
  readonly text: string;
  readonly time: number | undefined;
}

/** What the last run of the agent tells. */
export interface AgentLog {
  readonly file: string;
  /** Lines of a SPIRE program, in the part that was read. */
  readonly lines: number;
  readonly agentId: string | undefined;
  /** Of the agent, as it is configured. */
  readonly trustDomain: string | undefined;
  readonly attested: boolean;
  /** The agent has ended by itself. */
  readonly crashed: boolean;
  /** What stands between the agent and its attestation, or ended it. */
  readonly trouble: Trouble | undefined;
  /** The last time that the server could not be asked, when nothing came from it later. */
  readonly lostServer: Trouble | undefined;
  /** What the agent saw of the process `pid`, where its log tells. */
  readonly selectors: readonly string[] | undefined;
  /** Milliseconds since 1970, of the last line. */
  readonly newest: number | undefined;
}

/**
 * Reads the end of a file.
 * @throws {EphemosError} ERR_OPTION_INVALID when it cannot be read
 */
export function readLogEnd(file: string): string {
  try {
    // Without waiting: a pipe has no end.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) throw new TypeError('it is no regular file');
      const length = Math.min(stats.size, MAX_LOG_BYTES);
      const bytes = Buffer.alloc(length);
      const read = readSync(descriptor, bytes, 0, length, stats.size - length);
      const text = bytes.toString('utf8', 0, read);
      return length < stats.size ? text.slice(text.indexOf('\n') + 1) : text;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EphemosError('ERR_OPTION_INVALID', `the log ${JSON.stringify(file)} cannot be read: ${why}`, {
      hint: 'name the file that the agent writes (log_file of its configuration), or save its journal to one',
      cause: error,
    });
  }
}

/** Reads what the log tells. @param pid of the process that asked the agent */
export function readAgentLog(file: string, text: string, pid: number): AgentLog {
  const lines = text.split('\n').flatMap((line) => parseLogLine(line) ?? []);
  const start = lines.findLastIndex(({ message }) => message === 'Starting agent');
  const run = start === -1 ? lines : lines.slice(start);
  const state = run.reduce(step, { attested: false, crashed: false, trouble: undefined, lostServer: undefined });
  return {
    file,
    lines: lines.length,
    agentId: last(run, 'spiffe_id', isAttestation),
    trustDomain: last(run, 'trust_domain_id', ({ fields }) => fields.get('subsystem_name') === 'attestor')?.replace(/^spiffe:\/\//, ''),
    ...state,
    selectors: selectorsOf(run, pid),
    newest: run.findLast(({ time }) => time !== undefined)?.time,
  };
}

type State = Pick<AgentLog, 'attested' | 'crashed' | 'trouble' | 'lostServer'>;

function step(state: State, line: LogLine): State {
  const { message } = line;
  if (isAttestation(line)) return { attested: true, crashed: false, trouble: undefined, lostServer: undefined };
  if (message === 'Failed to retrieve attestation result') return { ...state, attested: false, trouble: refine(state.trouble, line) };
  if (message === 'Agent crashed') return { ...state, attested: false, crashed: true, trouble: refine(state.trouble, line) };
  if (message === 'SVID key recovered, but SVID is expired. Generating new keypair') {
    return { ...state, trouble: { kind: 'expired', text: lineText(line), time: line.time } };
  }
  if (FAILED_SYNC.has(message)) return { ...state, lostServer: troubleOf(line) };
  return NEWS.has(message) ? { ...state, lostServer: undefined } : state;
}

const FAILED_SYNC: ReadonlySet<string> = new Set([
  'Could not rotate agent SVID',
  'Failed to fetch authorized entries',
  'Failed to renew agent',
  'Synchronize failed',
]);
/** What only a server that answers makes an agent do. */
const NEWS: ReadonlySet<string> = new Set(['Creating X509-SVID', 'Renewing X509-SVID', 'SVID updated', 'Successfully rotated agent SVID']);

function isAttestation({ message }: LogLine): boolean {
  return message === 'Node attestation was successful' || message === 'SVID loaded';
}

// A token that had expired is deleted with the first attempt, and the next ones know it no more: the first one says why. An agent that
// lost its own SVID fails for want of a token next, and that it lost it says more.
function refine(before: Trouble | undefined, line: LogLine): Trouble {
  const now = troubleOf(line);
  const tells = (now.kind === 'token-used' && before?.kind === 'token-expired') || (TOKENS.has(now.kind) && before?.kind === 'expired');
  return tells && before !== undefined ? { ...before, time: now.time } : now;
}

const TOKENS: ReadonlySet<TroubleKind> = new Set(['token-used', 'token-missing']);

const KINDS: readonly (readonly [RegExp, TroubleKind])[] = [
  [/join token expired/, 'token-expired'],
  [/join token does not exist or has already been used/, 'token-used'],
  [/join token was not provided/, 'token-missing'],
  [/no X\.509 bundle found for trust domain|unexpected ID "spiffe:|expected server SPIFFE ID/, 'trust-domain'],
  [/certificate signed by unknown authority/, 'bundle-wrong'],
  [/could not parse trust bundle|no certs in bundle|trust bundle could not be/, 'bundle-missing'],
  [/certificate has expired or is not yet valid/, 'clock'],
  [/current SVID has already expired/, 'expired'],
  [/code = PermissionDenied/, 'refused'],
  [
    /connection refused|i\/o timeout|no such host|no route to host|network is unreachable|deadline exceeded|error reading server preface/i,
    'server-unreachable',
  ],
];

function troubleOf(line: LogLine): Trouble {
  const kind = KINDS.find(([words]) => words.test(line.error))?.[1] ?? 'failed';
  return { kind, text: lineText(line), time: line.time };
}

function last(lines: readonly LogLine[], field: string, is: (line: LogLine) => boolean = () => true): string | undefined {
  return lines.findLast((line) => is(line) && line.fields.has(field))?.fields.get(field);
}

// At log_level DEBUG `[type:"unix" value:"uid:0" ...]`; with log_selectors `unix:uid:0,unix:gid:0` in the line that refuses.
function selectorsOf(lines: readonly LogLine[], pid: number): readonly string[] | undefined {
  const text = last(lines, 'selectors', ({ fields }) => fields.get('pid') === String(pid));
  if (text === undefined) return undefined;
  const messages = [...text.matchAll(/type:"([^"]*)"\s+value:"((?:\\.|[^"\\])*)"/g)].map(([, type = '', value = '']) => `${type}:${value}`);
  const found = messages.length > 0 ? messages : text.split(',').filter((each) => each.includes(':'));
  return found.length === 0 ? undefined : found;
}
