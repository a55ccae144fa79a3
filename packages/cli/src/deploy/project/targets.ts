// The name of a target in; the target out, loaded when it is asked for.
import type { Target, TargetName } from './target.ts';

const loaders: Readonly<Record<TargetName, () => Promise<Target>>> = {
  compose: async () => (await import('../compose/target.ts')).composeTarget,
  kubernetes: async () => (await import('../kubernetes/target.ts')).kubernetesTarget,
  systemd: async () => (await import('../systemd/target.ts')).systemdTarget,
};

/** The target of that name. */
export function findTarget(name: TargetName): Promise<Target> {
  return loaders[name]();
}
