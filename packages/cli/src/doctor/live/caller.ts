// This process as the unix workload attestor of SPIRE would see it: its effective user and groups in, selectors out
// (pkg/agent/plugin/workloadattestor/unix of SPIRE 1.15).
import { readFileSync } from 'node:fs';
import { type Account, groupName, userName } from './accounts.ts';

/** Who asks. */
export interface Caller {
  readonly uid: number | undefined;
  /** What the attestor tells by default. */
  readonly selectors: readonly string[];
  /** What it tells with discover_workload_path = true. */
  readonly pathSelector: string;
  /** The account that was taken on for the question. */
  readonly account: Account | undefined;
}

/** Reads this process as it is at this moment. */
export function readCaller(account?: Account): Caller {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  const selectors = [
    ...(uid === undefined ? [] : [`unix:uid:${uid}`, ...named('unix:user:', userName(uid))]),
    ...(gid === undefined ? [] : [`unix:gid:${gid}`, ...named('unix:group:', groupName(gid))]),
    ...supplementaryGroups().flatMap((each) => [
      `unix:supplementary_gid:${each}`,
      ...named('unix:supplementary_group:', groupName(Number(each))),
    ]),
  ];
  return { uid, selectors, pathSelector: `unix:path:${process.execPath}`, account };
}

function named(prefix: string, name: string | undefined): readonly string[] {
  return name === undefined ? [] : [prefix + name];
}

// SPIRE reads them here too, and on no other system than Linux.
function supplementaryGroups(): readonly string[] {
  if (process.platform !== 'linux') return [];
  try {
    const [, groups = ''] = /^Groups:(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return groups.split(/\s+/).filter((each) => /^\d+$/.test(each));
  } catch {
    // A container without /proc.
    return [];
  }
}
