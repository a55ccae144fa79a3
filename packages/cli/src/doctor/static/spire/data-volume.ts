// Whether what a server keeps is on a volume that outlives its pod, where manifests say how it runs.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { type Container, mountAt, mountsOf, type Pod, podsOf } from '../manifests/pods.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { type Conf, confsOf, placeIn, pluginsOf, settingText, textOf } from './confs.ts';

/** The rule. */
export const dataVolumeRule: Rule<StaticEvidence> = createRule({
  id: 'backup.configured.volume',
  title: 'what the servers keep is on a volume',
  thing: 'deployed spire-server configuration',
  look(documents) {
    const pods = serverPods(documents);
    return lookAt(pods.length === 0 ? [] : confsOf(documents, 'server'), (conf) => pods.flatMap((each) => [...judge(conf, each)]));
  },
});

interface ServerPod {
  readonly pod: Pod;
  readonly container: Container;
}

function serverPods(documents: readonly Document[]): readonly ServerPod[] {
  return podsOf(documents).flatMap((pod) => {
    const container = pod.containers.find(({ role, isInit }) => role === 'spire-server' && !isInit);
    return container === undefined ? [] : [{ pod, container }];
  });
}

function* judge(conf: Conf, { pod, container }: ServerPod): Generator<Finding> {
  const mounts = mountsOf(container, pod);
  const data = settingText(conf, 'data_dir');
  const keys = pluginsOf(conf, 'KeyManager')
    .filter(({ name }) => name === 'disk')
    .map((plugin) => plugin.data('keys_path'))[0];
  const keysPath = textOf(keys);
  const paths = [
    ...(data === undefined ? [] : [{ name: 'data_dir', path: data.text, at: data.key }]),
    ...(keys === undefined || keysPath === undefined ? [] : [{ name: 'keys_path', path: keysPath, at: keys.key }]),
  ].filter(({ path }) => path.startsWith('/'));
  for (const { name, path, at } of paths) {
    const mount = mountAt(mounts, path);
    if (mount === undefined) {
      yield finding('backup.configured.volume.outside', `${name} is on no volume: it ends with the container`, {
        evidence: [
          `${name} is ${path}`,
          `${pod.title} mounts ${mounts.map((each) => each.path).join(', ') || 'nothing'} (${pod.file}:${container.node.line})`,
        ],
        mends: [mend(`put it on the volume for data`, `${name} = "<path of the volume>"`)],
        place: placeIn(conf, at),
      });
    } else if (isEmptyDir(mount.volume)) {
      yield finding('backup.configured.volume.ephemeral', `${name} is on a volume that ends with the pod`, {
        evidence: [`${name} is ${path}, below ${mount.path}, which is an emptyDir (${pod.file}:${mount.node.line})`],
        mends: [mend('claim a volume: volumeClaimTemplates of a StatefulSet')],
        place: placeIn(conf, at),
      });
    }
  }
}

function isEmptyDir(volume: Pod['spec'] | undefined): boolean {
  return volume?.entries().some(([key]) => key === 'emptyDir') === true;
}
