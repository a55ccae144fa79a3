// The name of a target in; the target out, loaded when it is asked for.
import type { Target, TargetName } from './target.ts';

const loaders: Readonly<Partial<Record<TargetName, () => Promise<Target>>>> = {
  compose: async () => (await import('../compose/target.ts')).composeTarget,
};

/** The target of that name. */
export async function findTarget(name: TargetName): Promise<Target> {
  const load = loaders[name];
  if (load === undefined) throw new TypeError(`no target ${name}`);
  return load();
}
