// Whether the socket is there, is one, may be opened, and somebody listens on it.
import { basename, dirname } from 'node:path';
import { isEphemosError, nearestWord } from 'ephemos/errors';
import { exportLine } from '../../../output/text.ts';
import { type Finding, finding, found, type Mend, mend, pass, type Rule, skip } from '../../check.ts';
import { shellWord } from '../../shell.ts';
import { connectFailure, type LiveEvidence } from '../evidence.ts';
import { startAgent } from '../mends.ts';
import type { SocketReading } from '../socket.ts';

/** The rule. */
export const socketRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.socket',
  title: 'its socket is there and may be opened',
  judge(evidence) {
    const { endpoint, socket, caller } = evidence;
    if (isEphemosError(endpoint)) return skip('there is no endpoint to look at');
    if (socket === undefined) {
      const failure = connectFailure(evidence);
      if (failure === undefined) return pass('it is an address, which takes a connection');
      return found(finding('spire.reachable.socket.refused', failure.message, { evidence: [], mends: [startAgent] }));
    }
    if (socket.connection === 'open') return pass(`it takes a connection of uid ${caller.uid ?? 'unknown'}`);
    return found(explain(socket, caller.uid));
  },
};

function explain(socket: SocketReading, uid: number | undefined): Finding {
  const { path, kind, at, connection } = socket;
  switch (kind) {
    case 'missing':
      return finding('spire.reachable.socket.missing', `nothing is at ${path}`, {
        evidence: [at === path ? `${dirname(path)} is there, and has no ${basename(path)}` : `${at} is not there`, ...others(socket)],
        mends: [...useAnother(socket), startAgent],
      });
    case 'closed':
      return forbidden(`uid ${uid ?? 'unknown'} may not look into ${at}`, socket);
    case 'directory':
      return finding('spire.reachable.socket.not-a-socket', `${path} is a directory`, {
        evidence: [
          'a container that was started before the agent mounts a directory that the engine makes in its place',
          ...others(socket),
        ],
        mends: [
          ...useAnother(socket),
          mend('if the engine made it: remove it, start the agent, then the container', `rmdir ${shellWord(path)}`),
        ],
      });
    case 'other':
      return finding('spire.reachable.socket.not-a-socket', `${path} is a file and no socket`, {
        evidence: others(socket),
        mends: [...useAnother(socket), mend('find the sockets that somebody listens on', 'ss -xlp')],
      });
    case 'socket':
      if (connection === 'EACCES' || connection === 'EPERM') return forbidden(`uid ${uid ?? 'unknown'} may not open ${path}`, socket);
      return finding('spire.reachable.socket.refused', `nobody listens on ${path}`, {
        evidence: [`connecting to it gives ${connection ?? 'nothing'}: the agent has stopped and left its socket`],
        mends: [startAgent],
      });
  }
}

function forbidden(what: string, { at, owner, path }: SocketReading): Finding {
  return finding('spire.reachable.socket.no-permission', what, {
    evidence:
      owner === undefined ? [] : [`${at} has mode ${owner.mode.toString(8).padStart(4, '0')}, and belongs to ${owner.uid}:${owner.gid}`],
    mends: [
      at === path
        ? mend('open the socket to the workloads: the agent tells them apart by itself', `chmod 0777 ${shellWord(path)}`)
        : mend('let workloads pass through the directory', `chmod o+x ${shellWord(at)}`),
    ],
  });
}

function others({ siblings }: SocketReading): readonly string[] {
  return siblings.length === 0 ? [] : [`other sockets near it: ${siblings.slice(0, 5).join(', ')}`];
}

// The control socket of a development agent is none of the Workload API.
function useAnother({ path, siblings }: SocketReading): readonly Mend[] {
  const candidates = siblings.filter((each) => basename(each) !== 'control.sock');
  const name = nearestWord(
    basename(path),
    candidates.map((each) => basename(each)),
  );
  const another = candidates.find((each) => basename(each) === name) ?? (candidates.length === 1 ? candidates[0] : undefined);
  return another === undefined ? [] : [mend('if this one is the agent: name it', exportLine(`unix://${another}`))];
}
