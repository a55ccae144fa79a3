// Whether a compose file starts what it should, as somebody without rights, in the right order, for those who are meant.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence } from '../../documents/document.ts';
import { hidesSignals } from '../manifests/grace.ts';
import { placeOf } from '../manifests/objects.ts';
import { createRule, joined, type Looked, lookAt } from '../manifests/rule.ts';
import { isTrue, textAt, textsAt } from '../manifests/values.ts';
import { type ComposeService, composeServicesOf, isNamed, volumesOf, wordsOf } from './compose-services.ts';
import { dockerfileHealth, dockerfileSignals, dockerfileUsers } from './dockerfile.ts';

function* containerFindings(service: ComposeService): Generator<Finding> {
  const { node, file, name, role } = service;
  const socket = volumesOf(node).find(({ source }) => /\/(docker|podman|containerd)\.sock$/.test(source ?? ''));
  if (socket !== undefined) {
    yield finding('config.production.containers.engine-socket', `the container ${name} is root on this machine`, {
      evidence: [`it has ${socket.source ?? ''}: whoever may speak to the engine may start anything, and :ro does not change that`],
      mends: [
        mend('tell workloads apart by their user, which needs no socket of the engine', 'WorkloadAttestor "unix" { plugin_data {} }'),
      ],
      place: placeOf(file, socket.node),
    });
  }
  if (isSpire(role) && node.get('entrypoint') === undefined) {
    const [first = ''] = wordsOf(node.get('command'));
    if (/(^|\/)spire-(server|agent)$/.test(first) || first === 'run') {
      yield finding('config.production.containers.command-repeated', `the container ${name} ignores its command`, {
        evidence: [
          `the entrypoint of the image is "${role} run" already, so "${wordsOf(node.get('command')).join(' ')}" are arguments that it does not read, and flags after them neither`,
        ],
        mends: [mend('give it its arguments alone', 'command: [-config, /etc/spire/<server or agent>.conf]')],
        place: placeOf(file, node.get('command')),
      });
    }
    const unowned = volumesOf(node).find(
      ({ source, target }) =>
        source !== undefined && isNamed(source) && !/^\/(run|var\/lib|etc)\/spire(\/|$)/.test(target) && !isSocketPath(target),
    );
    if (unowned !== undefined && node.get('user') === undefined) {
      yield finding('config.production.containers.volume-unwritable', `the container ${name} may not write to ${unowned.target}`, {
        evidence: ['the image runs as user 1000 and has no such directory: a new volume there belongs to root'],
        mends: [mend('mount it where the image has a directory of its own', `- ${unowned.source ?? ''}:/var/lib/spire/server`)],
        place: placeOf(file, unowned.node),
      });
    }
  }
  const open = [
    ...(isTrue(node, 'read_only') ? [] : ['read_only is not true']),
    ...(textsAt(node, 'cap_drop').some((each) => /^all$/i.test(each)) ? [] : ['cap_drop has no ALL']),
    ...(textsAt(node, 'security_opt').some((each) => /^no-new-privileges(:true)?$/.test(each))
      ? []
      : ['security_opt has no no-new-privileges:true']),
    ...(isTrue(node, 'privileged') ? ['privileged: true'] : []),
  ];
  if (open.length === 0) return;
  yield finding('config.production.containers.not-hardened', `what breaks into the container ${name} may do more than it has to`, {
    evidence: open,
    mends: [
      mend(
        'leave it nothing',
        'read_only: true',
        'cap_drop: [ALL]',
        'security_opt: ["no-new-privileges:true"]',
        'tmpfs: ["/tmp:mode=1777,size=16m"]',
      ),
    ],
    place: placeOf(file, node),
  });
}

function isSpire(role: ComposeService['role']): boolean {
  return role === 'spire-server' || role === 'spire-agent';
}

function isSocketPath(path: string): boolean {
  return /socket|public|private/.test(path);
}

/** What containers may. */
export const containersRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.containers',
  title: 'containers start what is meant, without rights',
  thing: 'service of compose or Dockerfile',
  things: 'services of compose or Dockerfiles',
  look: (documents) =>
    joined(
      lookAt(documentsOf(documents, 'compose'), function* ({ file, node }): Generator<Finding> {
        const version = node.get('version');
        if (version === undefined) return;
        yield finding('config.production.containers.version-obsolete', 'the key version does nothing', {
          evidence: ['Docker Compose 2 warns of it at every call'],
          mends: [mend('take it out')],
          place: placeOf(file, version),
        });
      }),
      lookAt(composeServicesOf(documents), containerFindings),
      dockerfileUsers(documents),
    ),
});

function composeHealth(documents: readonly Document[]): Looked {
  return lookAt(composeServicesOf(documents), function* (service): Generator<Finding> {
    const { node, file, name, role, root } = service;
    // An image of one's own may have a HEALTHCHECK; SPIRE's have none. What runs once has none to have.
    if (isSpire(role) && node.get('healthcheck') === undefined && node.get('entrypoint') === undefined) {
      yield finding('health.probes.containers.no-healthcheck', `nobody can tell when the container ${name} is ready`, {
        evidence: ['it has no healthcheck, and the images of SPIRE have none'],
        mends: [
          mend('ask it', `healthcheck: { test: [CMD, /opt/spire/bin/${role}, healthcheck, -socketPath, <its socket>], interval: 5s }`),
        ],
        place: placeOf(file, node),
      });
    }
    const dependencies = node.get('depends_on');
    const unready = [
      ...(dependencies?.items() ?? []).map((each) => each.text() ?? ''),
      ...(dependencies?.entries() ?? []).flatMap(([other, each]) => (textAt(each, 'condition') === 'service_healthy' ? [] : [other])),
    ].filter(
      (other) =>
        /(^|\/)spire-(server|agent)([:@$]|$)/.test(textAt(root, 'services', other, 'image') ?? '') &&
        root.get('services', other, 'entrypoint') === undefined,
    );
    if (dependencies === undefined || unready.length === 0) return;
    yield finding('health.probes.containers.no-condition', `the container ${name} starts before ${unready.join(' and ')} can answer`, {
      evidence: ['depends_on without condition: service_healthy waits for the process, not for its socket'],
      mends: [mend('wait until it is healthy', 'depends_on:', ...unready.map((each) => `  ${each}: { condition: service_healthy }`))],
      place: placeOf(file, dependencies),
    });
  });
}

/** Whether containers can be asked how they are. */
export const containerHealthRule: Rule<StaticEvidence> = createRule({
  id: 'health.probes.containers',
  title: 'containers can be asked how they are, and wait for each other',
  thing: 'service of compose or Dockerfile',
  things: 'services of compose or Dockerfiles',
  look: (documents) => joined(composeHealth(documents), dockerfileHealth(documents)),
});

/** Which ports of the machine are open. */
export const publishedRule: Rule<StaticEvidence> = createRule({
  id: 'network.policy.published',
  title: 'containers publish no port to everybody',
  thing: 'published port',
  look(documents) {
    const ports = composeServicesOf(documents).flatMap(({ file, name, node }) =>
      (node.get('ports')?.items() ?? []).map((port) => ({ file, name, port })),
    );
    return lookAt(ports, function* ({ file, name, port }): Generator<Finding> {
      const text = port.text();
      const host = text === undefined ? textAt(port, 'host_ip') : hostOf(text);
      if (host !== undefined && !/^(0\.0\.0\.0|\[?::\]?)$/.test(host)) return;
      const shown = text ?? textAt(port, 'published') ?? textAt(port, 'target') ?? '';
      yield finding(
        'network.policy.published.all-interfaces',
        `port ${shown} of the container ${name} is open to every network of this machine`,
        {
          evidence: ['Docker opens it in front of the firewall of the host'],
          mends: [
            mend('name the address that callers use, or leave it unpublished', `- "127.0.0.1:${shown.split(':').slice(-2).join(':')}"`),
          ],
          place: placeOf(file, port),
        },
      );
    });
  },
});

// 8080, 8080:8080, 127.0.0.1:8080:8080, [::1]:8080:8080
function hostOf(port: string): string | undefined {
  const [, host] = /^(\[[^\]]*\]|[^:[\]]+):[^:]*:[^:]+$/.exec(port) ?? [];
  return host;
}

/** Whether containers hear SIGTERM. */
export function containerSignals(documents: readonly Document[]): Looked {
  return joined(
    dockerfileSignals(documents),
    lookAt(composeServicesOf(documents), function* ({ file, name, node }): Generator<Finding> {
      for (const key of ['entrypoint', 'command']) {
        if (!hidesSignals(wordsOf(node.get(key)))) continue;
        yield finding('shutdown.graceful.signals.shell', `the container ${name} is started by a shell, which does not pass SIGTERM on`, {
          evidence: [wordsOf(node.get(key)).join(' ').slice(0, 200)],
          mends: [mend('start the program itself, or let the shell become it', `${key}: [sh, -c, "exec <program>"]`)],
          place: placeOf(file, node.get(key)),
        });
      }
    }),
  );
}
