// Whether the sockets of SPIRE are where only it can make them.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, lookAtConfs, placeIn, setting, settingText } from './confs.ts';

/** Where they are when nothing says so (doc/spire_server.md, doc/spire_agent.md). */
const defaults = { server: '/tmp/spire-server/private/api.sock', agent: '/tmp/spire-agent/public/api.sock' } as const;

/** The rule. */
export const socketDirectoryRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.spire-socket',
  title: 'the sockets of SPIRE are where only it can make them',
  thing: 'SPIRE configuration',
  look: (documents) => lookAtConfs(documents, undefined, judge),
});

function* judge(conf: Conf): Generator<Finding> {
  // Windows has named pipes.
  if (setting(conf, 'experimental', 'named_pipe_name') !== undefined) return;
  const given = setting(conf, 'socket_path');
  const path = given === undefined ? defaults[conf.program] : settingText(conf, 'socket_path')?.text;
  if (path === undefined || !/^\/(var\/)?tmp\//.test(path)) return;
  yield finding('config.production.spire-socket.temporary', `the socket of spire-${conf.program} is where everybody may put one`, {
    evidence: [`${path}${given === undefined ? ', which is the default' : ''}: who makes this directory first owns it`],
    mends: [
      mend(
        'put it below /run, in a directory of its own',
        `socket_path = "/run/spire/${conf.program === 'server' ? 'server/private/api.sock' : 'sockets/agent.sock'}"`,
      ),
    ],
    place: placeIn(conf, given?.key),
  });
}
