// What a development agent does, told as it happens: its events in, lines for people or for programs out.
import type { DevAgent, DevAgentEvent, StreamDescription } from '@ephemos/dev';
import type { Context, Format } from '../context.ts';
import { reportOf } from '../output/error.ts';
import { type EventLine, eventLine } from '../output/event-line.ts';
import { columns, count, createStyle, exportLine, jsonText, printable, type Style } from '../output/text.ts';
import { lifeLeft, moment, span } from '../output/time.ts';

/** Tells of one agent. */
export interface DevLog {
  readonly event: (event: DevAgentEvent) => void;
  /** Tells how to use it; what happened before is told after that. */
  started(agent: DevAgent, endpoints: ReadonlyMap<string, string>, svidTtl: number): void;
  /** The last thing that is told: the streams that end with the agent are no news. */
  stopping(): void;
}

/** Makes a log. */
export function createDevLog(format: Format, context: Context): DevLog {
  const style = createStyle(context.color);
  const read = createEventReader();
  const early: DevAgentEvent[] = [];
  let state: 'starting' | 'running' | 'stopping' = 'starting';

  function write(line: EventLine, fields: object): void {
    const now = Date.now();
    if (format === 'text') context.print(eventLine(line, { time: now, style, width: context.width }));
    else context.print(`${jsonText({ time: new Date(now).toISOString(), event: line.name, ...fields })}\n`);
  }

  function event(happened: DevAgentEvent): void {
    if (state === 'starting') early.push(happened);
    else if (state === 'running') for (const { line, fields } of read(happened)) write(line, fields);
  }

  return {
    event,
    started(agent, endpoints, svidTtl) {
      state = 'running';
      if (format === 'text') context.print(greeting(agent, endpoints, svidTtl, style));
      else write({ name: 'started', tone: 'plain', about: '' }, startedFields(agent, endpoints));
      for (const happened of early) event(happened);
    },
    stopping() {
      state = 'stopping';
      write({ name: 'stopped', tone: 'plain', about: 'the agent and its authority are gone' }, {});
    },
  };
}

function startedFields(agent: DevAgent, endpoints: ReadonlyMap<string, string>): object {
  const { trustDomain, directory, sharedEndpoint = null } = agent;
  const identities = [...endpoints].map(([id, endpoint]) => ({ id, endpoint }));
  return { trustDomain, directory, sharedEndpoint, identities, pid: process.pid };
}

function greeting({ trustDomain, directory }: DevAgent, endpoints: ReadonlyMap<string, string>, svidTtl: number, style: Style): string {
  const facts = columns(
    [
      [style.dim('directory'), printable(directory)],
      [style.dim('SVIDs'), `live ${span(svidTtl)} and rotate at half of it`],
      [style.dim('stop'), 'Ctrl-C'],
    ],
    { indent: '  ' },
  );
  const lines = [...endpoints].map(([id, endpoint]) => `${style.bold(id)}\n  ${exportLine(endpoint)}\n`);
  const start = `to give a process an identity:\n  ephemos dev exec --as ${trustDomain.idString}/web -- <command>\n`;
  return `${style.bold(`development agent for ${trustDomain}`)}, for this machine only\n${facts}\n\n${lines.length === 0 ? start : lines.join('')}\n`;
}

/** A line and the fields of its document. */
interface Told {
  readonly line: EventLine;
  readonly fields: object;
}

/** Reads events in their order: which SVID is the first of its identity, and which stream is whose. */
function createEventReader(): (event: DevAgentEvent) => readonly Told[] {
  const issued = new Set<string>();
  const callers = new Map<number, string>();
  const socketIds = new Map<string, string>();

  function issue(id: string, expiresAt: Date): Told {
    const name = issued.has(id) ? 'rotated' : 'issued';
    issued.add(id);
    const life = `until ${moment(expiresAt.getTime())}, ${lifeLeft(expiresAt.getTime(), Date.now())}`;
    return told(name, 'good', `${id}  ${life}`, { id, expiresAt });
  }

  function send(stream: StreamDescription, ids: readonly string[]): Told {
    const name = callers.has(stream.number) ? 'updated' : 'connected';
    const who = ids.length === 0 ? 'bundles only' : ids.join(', ');
    callers.set(stream.number, who);
    socketIds.set(stream.endpoint, who);
    return told(name, 'plain', `${who}  ${streamText(stream)}`, { ids, ...streamFields(stream) });
  }

  return (event) => {
    switch (event.type) {
      case 'issued':
        return [issue(event.id, event.expiresAt)];
      case 'removed':
        issued.delete(event.id);
        return [told('withdrawn', 'warn', event.id, { id: event.id })];
      case 'update-sent':
        return [send(event.stream, event.ids)];
      case 'stream-refused': {
        const who = socketIds.get(event.stream.endpoint) ?? event.stream.endpoint;
        callers.delete(event.stream.number);
        return [
          told('refused', 'bad', `${who}  ${streamText(event.stream)}: ${event.reason}`, {
            reason: event.reason,
            ...streamFields(event.stream),
          }),
        ];
      }
      case 'stream-closed': {
        const who = callers.get(event.stream.number);
        callers.delete(event.stream.number);
        return who === undefined ? [] : [told('disconnected', 'plain', `${who}  ${streamText(event.stream)}`, streamFields(event.stream))];
      }
      case 'authorities-changed':
        return [told('bundle', 'warn', `now ${count(event.count, 'authority', 'authorities')}`, { authorities: event.count })];
      case 'federated':
      case 'unfederated':
        return [told(event.type, 'plain', event.trustDomain, { trustDomain: event.trustDomain })];
      case 'fault':
        return [told('fault', 'warn', event.fault === undefined ? 'none' : event.fault.kind, { fault: event.fault ?? null })];
      case 'restarting':
        return [told('restarting', 'warn', `down for ${span(event.downSeconds * 1000)}`, { downSeconds: event.downSeconds })];
      case 'restarted':
        return [told('restarted', 'good', 'the sockets are open again', {})];
      case 'streams-dropped':
        return [told('dropped', 'warn', 'every stream', {})];
      case 'failed':
        return [
          told('failed', 'bad', `${event.what}: ${reportOf(event.error).message}`, { what: event.what, error: reportOf(event.error) }),
        ];
      // The SVID that follows tells it, and the first update tells of the caller.
      case 'registered':
      case 'stream-opened':
        return [];
    }
  };
}

function told(name: string, tone: EventLine['tone'], about: string, fields: object): Told {
  return { line: { name, tone, about: printable(about) }, fields };
}

function streamText({ number, rpc, caller }: StreamDescription): string {
  const who = caller === undefined ? '' : `, uid ${caller.uid}${caller.pid === undefined ? '' : `, process ${caller.pid}`}`;
  return `stream ${number}, ${rpc}${who}`;
}

function streamFields({ number, rpc, endpoint, caller }: StreamDescription): object {
  return { stream: number, rpc, endpoint, caller: caller ?? null };
}
