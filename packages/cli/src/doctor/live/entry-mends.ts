// The entry that would give this process its identity, as commands to paste: a new one, or one that is there, put right.
import { type Entry, newEntry } from '../../entries/entry.ts';
import { ownerOf } from '../../entries/ownership.ts';
import { type Mend, mend } from '../check.ts';
import { shellWord } from '../shell.ts';
import type { LiveEvidence } from './evidence.ts';
import type { Comparison } from './match-entries.ts';
import { entriesFileLines, entryCommand } from './mends.ts';
import { liveAgents, reachesAgent } from './registration.ts';

const DISCOVER = 'WorkloadAttestor "unix" { plugin_data { discover_workload_path = true } }';

/** Makes an entry for this process. */
export function newEntryMends(evidence: LiveEvidence): readonly Mend[] {
  const trustDomain = trustDomainOf(evidence);
  const entry = newEntry({
    spiffeId: evidence.expected.id?.toString() ?? `spiffe://${trustDomain}/<name>`,
    parentId: agentIdOf(evidence) ?? '<agent ID>',
    selectors: [selectorOf(evidence)],
  });
  const find = entry.parentId.startsWith('<')
    ? [mend('the agent ID is among these', `ephemos agents list --server ${serverWord(evidence)}`)]
    : [];
  return [
    ...find,
    mend('register it, on the machine of the server; the agent has it within 5 s', entryCommand('create', entry, evidence)),
    mend(
      `or keep it in a file under review, and apply it: ephemos entries apply -f entries.yaml --server ${serverWord(evidence)}`,
      ...entriesFileLines('your-team', entry),
    ),
  ];
}

/** Puts right an entry that is there. */
export function entryMends(comparison: Comparison, evidence: LiveEvidence): readonly Mend[] {
  const entry = mended(comparison, evidence);
  const owner = ownerOf(entry.entryId);
  const [different = ''] = comparison.different;
  const first = comparison.conditional.length === 0 ? '' : 'or ';
  const uid = /^unix:uid:(\d+)$/.exec(different)?.[1];
  return [
    ...(comparison.conditional.length === 0 ? [] : [mend('let the agent look at the program, in agent.conf, and restart it', DISCOVER)]),
    ...(owner === undefined
      ? [mend(`${first}change the entry, on the machine of the server`, entryCommand('update', entry, evidence))]
      : [
          mend(
            `the entry is from the file of ${owner}: change it there, and apply it: ephemos entries apply -f entries.yaml --server ${serverWord(evidence)}`,
            ...entriesFileLines(owner, entry),
          ),
        ]),
    ...(uid === undefined ? [] : [mend('or run the service as the user that the entry names', `sudo -u '#${uid}' -- '<command>'`)]),
  ];
}

// Each selector that is another becomes what this process has of its kind.
function mended({ entry, different, unknown }: Comparison, evidence: LiveEvidence): Entry {
  const have = evidence.agentLog?.selectors ?? evidence.caller.selectors;
  const kept = entry.selectors.flatMap((selector) => {
    if (!different.includes(selector)) return unknown.includes(selector) && evidence.agentLog?.selectors !== undefined ? [] : [selector];
    const kind = selector.slice(0, selector.indexOf(':', selector.indexOf(':') + 1) + 1);
    return have.find((each) => kind !== '' && each.startsWith(kind)) ?? [];
  });
  const selectors = kept.length === 0 ? [selectorOf(evidence)] : [...new Set(kept)];
  return { ...entry, selectors, parentId: parentOf(entry, evidence) };
}

function parentOf({ parentId }: Entry, evidence: LiveEvidence): string {
  const { registration, agentLog, now } = evidence;
  if (registration === undefined || registration.failure !== undefined) return parentId;
  const agents = liveAgents(registration, agentLog?.agentId, now);
  return reachesAgent(parentId, registration, agents) ? parentId : (agentIdOf(evidence) ?? parentId);
}

/** The agent of this machine: as its log says, or the only one. */
function agentIdOf({ registration, agentLog, now }: LiveEvidence): string | undefined {
  if (agentLog?.agentId !== undefined) return agentLog.agentId;
  if (registration === undefined || registration.failure !== undefined) return undefined;
  const [one, ...more] = liveAgents(registration, undefined, now);
  return more.length === 0 ? one?.spiffeId : undefined;
}

function trustDomainOf({ expected, registration, agentLog, serverPort }: LiveEvidence): string {
  const served = registration?.failure === undefined ? registration?.trustDomain : undefined;
  return expected.trustDomain?.name ?? served ?? serverPort?.id?.trustDomain.name ?? agentLog?.trustDomain ?? '<trust domain>';
}

function selectorOf({ caller, agentLog }: LiveEvidence): string {
  return (
    agentLog?.selectors?.find((each) => each.startsWith('unix:uid:')) ?? agentLog?.selectors?.[0] ?? caller.selectors[0] ?? '<selector>'
  );
}

function serverWord({ serverName = '<server>' }: LiveEvidence): string {
  return shellWord(serverName);
}
