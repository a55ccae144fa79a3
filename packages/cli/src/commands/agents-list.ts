// ephemos agents list: the agents that a server has attested, until when, and which of them are banned.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { byText } from '../entries/entry.ts';
import { columns, count, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { lifeLeft, moment } from '../output/time.ts';
import type { Agent } from '../spire-server/spire/api/types/agent_pb.ts';
import { describe, type FormatOption, formatOption } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface ListFlags extends ServerFlags, FormatOption {}

interface AttestedAgent extends Pick<Agent, 'attestationType' | 'banned' | 'canReattest' | 'agentVersion'> {
  readonly spiffeId: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly selectors: readonly string[];
}

/** Makes the command. */
export function createAgentsList(context: Context): Command {
  const command = serverCommand('list', 'show the agents that a server has attested')
    .addOption(formatOption('one document'))
    .action((flags: ListFlags) => list(flags, context));
  return describe(command, {
    examples: [
      'ephemos agents list --server unix:///run/spire-server/private/api.sock',
      'ephemos agents list --format json --server spire-server:8081',
    ],
    exits: serverExits,
  });
}

async function list(flags: ListFlags, context: Context): Promise<void> {
  const { fromWireId } = await import('../spire-server/wire.ts');
  const agents = await withServer(flags, context, async (server) => {
    const all: AttestedAgent[] = [];
    for await (const page of server.listAgents()) {
      for (const { id, x509svidExpiresAt, selectors, attestationType, banned, canReattest, agentVersion } of page) {
        all.push({
          spiffeId: fromWireId(id),
          attestationType,
          banned,
          canReattest,
          agentVersion,
          expiresAt: Number(x509svidExpiresAt) * 1000,
          selectors: selectors.map(({ type, value }) => `${type}:${value}`),
        });
      }
    }
    return all.sort((a, b) => byText(a.spiffeId, b.spiffeId));
  });
  const now = Date.now();
  if (flags.format === 'json') context.print(`${jsonText({ agents: agents.map((agent) => toJson(agent, now)) }, 2)}\n`);
  else context.print(toText(agents, now, createStyle(context.color)));
}

function toText(agents: readonly AttestedAgent[], now: number, style: Style): string {
  const blocks = agents.map(({ spiffeId, attestationType, banned, canReattest, agentVersion, expiresAt, selectors }) => {
    const ends = `${moment(expiresAt)}, ${lifeLeft(expiresAt, now)}`;
    const rows = [
      ['attested', `by ${printable(attestationType)}${canReattest ? ', can attest again' : ', cannot attest again'}`],
      ['expires', now > expiresAt ? style.bad(ends) : ends],
      ...(agentVersion === '' ? [] : [['version', printable(agentVersion)]]),
      ...(selectors.length === 0 ? [] : [['selectors', selectors.map(printable).join(', ')]]),
    ];
    return `${style.bold(printable(spiffeId))}${banned ? `  ${style.bad('banned')}` : ''}\n${columns(
      rows.map(([label = '', value = '']) => [style.dim(label), value]),
      { indent: '    ' },
    )}\n\n`;
  });
  return `${blocks.join('')}${count(agents.length, 'agent')}\n`;
}

function toJson({ expiresAt, ...agent }: AttestedAgent, now: number): object {
  return {
    ...agent,
    agentVersion: agent.agentVersion === '' ? null : agent.agentVersion,
    expiresAt: new Date(expiresAt).toISOString(),
    remainingSeconds: Math.floor((expiresAt - now) / 1000),
  };
}
