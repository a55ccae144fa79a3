// Whether an image starts as it should: not as root, by itself, hearing signals, and with a way to ask how it is.
import { type Finding, finding, mend } from '../../check.ts';
import { type Document, documentsOf } from '../../documents/document.ts';
import { hidesSignals } from '../manifests/grace.ts';
import { type Looked, lookAt } from '../manifests/rule.ts';
import { type Dockerfile, type DockerfileInstruction, parseDockerfile } from './dockerfile-text.ts';

/** A Dockerfile with its place. */
interface Read extends Dockerfile {
  readonly file: string;
}

function readAll(documents: readonly Document[]): readonly Read[] {
  return documentsOf(documents, 'dockerfile').map(({ file, text }) => ({ file, ...parseDockerfile(text) }));
}

function lastOf({ instructions }: Dockerfile, keyword: string): DockerfileInstruction | undefined {
  return instructions.filter((each) => each.keyword === keyword).at(-1);
}

const exec = 'ENTRYPOINT ["/nodejs/bin/node", "/app/dist/server.js"]';

/** Whether images hear SIGTERM. */
export function dockerfileSignals(documents: readonly Document[]): Looked {
  return lookAt(readAll(documents), function* (dockerfile): Generator<Finding> {
    for (const keyword of ['ENTRYPOINT', 'CMD']) {
      const found = lastOf(dockerfile, keyword);
      // With an ENTRYPOINT of its own, CMD is only arguments.
      if (found === undefined || (keyword === 'CMD' && lastOf(dockerfile, 'ENTRYPOINT')?.isExec === true)) continue;
      const isShell = !found.isExec && !/^\s*exec\s/.test(found.text);
      if (!isShell && !hidesSignals(found.words)) continue;
      yield finding('shutdown.graceful.signals.shell', 'the image is started by a shell, which does not pass SIGTERM on', {
        evidence: [`${keyword} ${found.text}`.slice(0, 200)],
        mends: [mend('start the program itself', exec)],
        place: { file: dockerfile.file, line: found.line },
      });
    }
  });
}

/** Whether images can be asked how they are. */
export function dockerfileHealth(documents: readonly Document[]): Looked {
  return lookAt(readAll(documents), function* (dockerfile): Generator<Finding> {
    const found = lastOf(dockerfile, 'HEALTHCHECK');
    const mends = [
      mend(
        'ask it, without a shell',
        'HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/nodejs/bin/node", "/app/dist/server.js", "health"]',
      ),
    ];
    if (found === undefined || /^NONE$/i.test(found.text)) {
      yield finding('health.probes.containers.no-healthcheck', 'Docker and Podman cannot tell whether the image is well', {
        evidence: ['there is no HEALTHCHECK (Kubernetes does not read one: it has probes)'],
        mends,
        place: { file: dockerfile.file, line: found?.line ?? lastOf(dockerfile, 'ENTRYPOINT')?.line },
      });
    } else if (!/\bCMD\s*\[/i.test(found.text) && !found.isExec) {
      yield finding('health.probes.containers.healthcheck-shell', 'the HEALTHCHECK needs a shell', {
        evidence: [found.text.slice(0, 200), 'an image without one is never healthy'],
        mends,
        place: { file: dockerfile.file, line: found.line },
      });
    }
  });
}

/** Whether images run as somebody. */
export function dockerfileUsers(documents: readonly Document[]): Looked {
  return lookAt(readAll(documents), function* (dockerfile): Generator<Finding> {
    const found = lastOf(dockerfile, 'USER');
    const base = dockerfile.bases.at(-1)?.image ?? '';
    const user = found?.words[0] ?? '';
    if (found === undefined && /nonroot/.test(base)) return;
    const place = { file: dockerfile.file, line: found?.line ?? lastOf(dockerfile, 'ENTRYPOINT')?.line };
    if (found === undefined || /^(root|0)(:|$)/.test(user)) {
      yield finding('config.production.containers.root', 'the image runs as root', {
        evidence: [found === undefined ? 'there is no USER' : `USER ${user}`],
        mends: [mend('run as somebody without rights', 'USER 65532:65532')],
        place,
      });
    } else if (!/^(\d+|\$)/.test(user)) {
      yield finding('config.production.containers.user-name', `Kubernetes cannot tell that ${user} is not root`, {
        evidence: ['with runAsNonRoot it starts no image whose USER is a name'],
        mends: [mend('name it by number', 'USER 65532:65532')],
        place,
      });
    }
  });
}
