// Whether every container has its share of memory and CPU, and Node.js knows of it.

import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { placeOf } from './objects.ts';
import { type Container, containersOf, variableOf, variablesOf } from './pods.ts';
import { createRule, lookAt } from './rule.ts';
import { itemsAt, mebibytes, parseQuantity, textAt } from './values.ts';

/** A TLS server of Node.js takes 74 MiB before its first call (measured). */
export const LEAST_REQUEST: number = 128 * 2 ** 20;
/** What is not on the heap (buffers, code, threads) needs the rest of the limit. */
export const MOST_OF_LIMIT = 0.75;
/** No pings faster than servers of grpc-go allow clients by default, in seconds. */
const LEAST_KEEPALIVE = 300;

const shares = ['resources:', '  requests: { cpu: 250m, memory: 128Mi }', '  limits: { memory: 256Mi }'] as const;

function* shareFindings(container: Container): Generator<Finding> {
  const { node, file, title, role, isPart } = container;
  const resources = node.get('resources');
  if (resources === undefined && isPart) return;
  const place = placeOf(file, resources, node);
  if (resources?.get('requests', 'memory') === undefined || resources.get('requests', 'cpu') === undefined) {
    yield finding('resources.set.limits.no-request', `${title} does not say how much CPU and memory it needs`, {
      evidence: ['the scheduler puts it on any node, full ones too'],
      mends: [mend('request what it needs', ...shares)],
      place,
    });
  }
  if (resources?.get('limits', 'memory') === undefined) {
    yield finding('resources.set.limits.no-memory-limit', `${title} may take all memory of its node`, {
      evidence: ['resources.limits.memory is not there'],
      mends: [mend('limit it', ...shares)],
      place,
    });
  }
  const request = resources?.get('requests', 'memory');
  const bytes = parseQuantity(request?.text());
  if (role === 'service' && bytes !== undefined && bytes < LEAST_REQUEST) {
    yield finding('resources.set.limits.request-small', `${title} requests ${mebibytes(bytes)}, and a service of Node.js takes more`, {
      evidence: ['Node.js takes 40 MiB with nothing in it, and 74 MiB as a TLS server before its first call'],
      mends: [mend('request what it takes', ...shares)],
      place: placeOf(file, request),
    });
  }
}

// What is in the way is a limit of CPU: a quota stops the process in the middle of handshakes, while the node has nothing to do.
function* quotaFindings({ node, file, title, role }: Container): Generator<Finding> {
  const limit = node.get('resources', 'limits', 'cpu');
  if (limit === undefined || role !== 'service') return;
  yield finding(
    'resources.set.limits.cpu-limit',
    `${title} stands still in handshakes whenever it has used its ${limit.text() ?? ''} of CPU`,
    {
      evidence: [
        'a limit of CPU is a quota of every tenth of a second; a handshake takes 1.64 ms of CPU (measured), also when the node is idle',
      ],
      mends: [mend('request the CPU that it takes, and leave out the limit', 'requests: { cpu: 250m }')],
      place: placeOf(file, limit),
    },
  );
}

/** Whether containers have requests and limits. */
export const limitsRule: Rule<StaticEvidence> = createRule({
  id: 'resources.set.limits',
  title: 'every container has a request and a memory limit',
  thing: 'container',
  look: (documents) =>
    lookAt(
      containersOf(documents).filter((each) => !each.isInit && (!each.isPart || each.node.get('resources') !== undefined)),
      (each) => [...shareFindings(each), ...quotaFindings(each)],
    ),
});

function* runtimeFindings(container: Container): Generator<Finding> {
  yield* heapFindings(container);
  for (const { node, name, value } of variablesOf(container)) {
    const place = placeOf(container.file, node);
    if (/^GO(MAXPROCS|MEMLIMIT|GC)$/.test(name)) {
      yield finding('resources.set.runtime.go-variable', `${name} is read by nothing in Node.js`, {
        evidence: ['it is a variable of the runtime of Go'],
        mends: [mend('give the heap its limit instead', '- name: NODE_OPTIONS', '  value: --max-old-space-size=160')],
        place,
      });
    }
    const seconds = secondsOf(value);
    if (name === 'GRPC_KEEPALIVE_TIME' && seconds !== undefined && seconds > 0 && seconds < LEAST_KEEPALIVE) {
      yield finding('resources.set.runtime.keepalive-fast', `connections are pinged after ${value}, faster than other servers allow`, {
        evidence: [
          'a server of grpc-go takes a ping every 5 minutes and answers faster ones with GOAWAY too_many_pings',
          'no library of gRPC reads the variable: Ephemos does, as keepalive.time',
        ],
        mends: [mend('leave it at 5m, or set the same on every server that is called', '- name: GRPC_KEEPALIVE_TIME', '  value: 5m')],
        place,
      });
    }
  }
}

function* heapFindings({ node, file, title, role, isPart }: Container): Generator<Finding> {
  if (role !== 'service') return;
  const limit = parseQuantity(textAt(node, 'resources', 'limits', 'memory'));
  const options = variableOf({ node }, 'NODE_OPTIONS');
  const heap = heapOf([
    options?.value,
    ...itemsAt(node, 'command').map((each) => each.text()),
    ...itemsAt(node, 'args').map((each) => each.text()),
  ]);
  if (limit === undefined) return;
  if (heap === undefined) {
    if (isPart || itemsAt(node, 'env').some((each) => each.get('valueFrom') !== undefined && textAt(each, 'name') === 'NODE_OPTIONS'))
      return;
    yield finding('resources.set.runtime.no-heap-limit', `${title} does not tell Node.js how large its heap may be`, {
      evidence: [`in a limit of ${mebibytes(limit)} Node.js may let the heap grow beyond it: the kernel kills it before it collects`],
      mends: [mend('give the heap less than the limit', '- name: NODE_OPTIONS', `  value: --max-old-space-size=${fitting(limit)}`)],
      place: placeOf(file, node.get('env'), node),
    });
  } else if (heap > limit * MOST_OF_LIMIT) {
    yield finding('resources.set.runtime.heap-large', `${title} gives the heap ${mebibytes(heap)} of a limit of ${mebibytes(limit)}`, {
      evidence: ['buffers, code and threads need a quarter of the limit at the least, or the kernel kills the process'],
      mends: [mend('give the heap less, or the container more', '- name: NODE_OPTIONS', `  value: --max-old-space-size=${fitting(limit)}`)],
      place: placeOf(file, options?.node, node),
    });
  }
}

/** The size of the heap that flags of Node.js give it, in bytes. */
export function heapOf(flags: readonly (string | undefined)[]): number | undefined {
  const sizes = flags.flatMap((each) =>
    [...(each ?? '').matchAll(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)].map(([, size]) => Number(size)),
  );
  const last = sizes.at(-1);
  return last === undefined ? undefined : last * 2 ** 20;
}

/** A heap that fits, in MiB. */
export function fitting(limit: number): number {
  return Math.floor((limit * 0.625) / 2 ** 20);
}

function secondsOf(text: string | undefined): number | undefined {
  const [, number, unit] = /^(\d+)(ms|s|m|h)$/.exec(text ?? '') ?? [];
  if (number === undefined) return undefined;
  return Number(number) * (unit === 'ms' ? 0.001 : unit === 'm' ? 60 : unit === 'h' ? 3600 : 1);
}

/** Whether Node.js knows its limits, and no variable is for another runtime. */
export const runtimeRule: Rule<StaticEvidence> = createRule({
  id: 'resources.set.runtime',
  title: 'Node.js knows its limits',
  thing: 'container',
  look: (documents: readonly Document[]) =>
    lookAt(
      containersOf(documents).filter((each) => each.role === 'service' && !each.isInit),
      runtimeFindings,
    ),
});
