// A rule over the files of deployments: each is looked at for itself, since what belongs to one says nothing of another.
import { count } from '../../../output/text.ts';
import type { Finding, Rule } from '../../check.ts';
import { byDeployment, type Document, type StaticEvidence } from '../../documents/document.ts';
import { conclude } from '../conclude.ts';

/** What came of looking. */
export interface Looked {
  /** How many things there were to look at. */
  readonly count: number;
  readonly findings: readonly Finding[];
}

/** What {@link createRule} takes. */
export interface RuleOptions {
  readonly id: string;
  readonly title: string;
  /** What is looked at, one of it: for whoever reads that it passed, or that there was none. */
  readonly thing: string;
  /** Several of it, where that is not with an s. */
  readonly things?: string;
  look(documents: readonly Document[]): Looked;
}

// The same arrays for every rule, so that what is read of them is read once.
const known = new WeakMap<StaticEvidence, readonly (readonly Document[])[]>();

function deploymentsOf(evidence: StaticEvidence): readonly (readonly Document[])[] {
  const all = known.get(evidence) ?? byDeployment(evidence);
  known.set(evidence, all);
  return all;
}

/** Makes a rule. */
export function createRule({ id, title, thing, things, look }: RuleOptions): Rule<StaticEvidence> {
  return {
    id,
    title,
    judge(evidence) {
      const looked = deploymentsOf(evidence).map(look);
      const sum = looked.reduce((total, each) => total + each.count, 0);
      return conclude(
        looked.flatMap(({ findings }) => findings),
        { count: sum, passed: count(sum, thing, things), skipped: `there is no ${thing}` },
      );
    },
  };
}

/** Looks at each of several things. */
export function lookAt<Thing>(things: readonly Thing[], judge: (thing: Thing) => Iterable<Finding>): Looked {
  return { count: things.length, findings: things.flatMap((thing) => [...judge(thing)]) };
}

/** What several looks came to. */
export function joined(...looks: readonly Looked[]): Looked {
  return { count: looks.reduce((sum, each) => sum + each.count, 0), findings: looks.flatMap(({ findings }) => findings) };
}
