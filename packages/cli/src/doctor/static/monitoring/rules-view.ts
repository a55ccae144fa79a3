// Documents in, the rules of Prometheus in them out: from files of rules and from PrometheusRules; and the queries of dashboards.
import { type Document, documentsOf } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { objectsOf } from '../manifests/objects.ts';
import { itemsAt, textAt } from '../manifests/values.ts';
import { type Expression, readExpression, withoutVariables } from './promql.ts';

/** A rule. */
export interface PrometheusRule {
  readonly file: string;
  readonly node: YamlNode;
  readonly name: string;
  readonly isAlert: boolean;
  readonly expr: YamlNode | undefined;
  readonly read: Expression;
}

/** The rules. */
export function rulesIn(documents: readonly Document[]): readonly PrometheusRule[] {
  const files = documentsOf(documents, 'rules').map(({ file, node }) => ({ file, groups: itemsAt(node, 'groups') }));
  const objects = objectsOf(documents, 'PrometheusRule').map(({ file, node }) => ({ file, groups: itemsAt(node, 'spec', 'groups') }));
  return [...files, ...objects].flatMap(({ file, groups }) =>
    groups.flatMap((group) =>
      itemsAt(group, 'rules').map((node) => {
        const alert = textAt(node, 'alert');
        const expr = node.get('expr');
        return {
          file,
          node,
          name: alert ?? textAt(node, 'record') ?? '',
          isAlert: alert !== undefined,
          expr,
          read: readExpression(expr?.text() ?? ''),
        };
      }),
    ),
  );
}

/** A panel of a dashboard. */
export interface Panel {
  readonly file: string;
  readonly node: YamlNode;
  readonly title: string;
  readonly type: string;
}

/** The model of a dashboard, out of the envelope of Grafana's API. */
export function modelOf(node: YamlNode): YamlNode {
  return node.get('dashboard', 'panels') === undefined ? node : (node.get('dashboard') ?? node);
}

/** The panels of dashboards, those in rows too; rows themselves left out. */
export function panelsIn(documents: readonly Document[]): readonly Panel[] {
  const flat = (panels: readonly YamlNode[]): readonly YamlNode[] => panels.flatMap((panel) => [panel, ...flat(itemsAt(panel, 'panels'))]);
  return documentsOf(documents, 'dashboard').flatMap(({ file, node }) =>
    flat(itemsAt(modelOf(node), 'panels'))
      .map((panel) => ({ file, node: panel, title: textAt(panel, 'title') ?? '', type: textAt(panel, 'type') ?? '' }))
      .filter(({ type }) => type !== 'row'),
  );
}

/** An expression with where it stands. */
export interface Query {
  readonly file: string;
  readonly line: number | undefined;
  readonly title: string;
  readonly read: Expression;
}

/** Every expression of rules and dashboards. */
export function queriesIn(documents: readonly Document[]): readonly Query[] {
  const rules = rulesIn(documents).map(({ file, node, name, expr, read }) => ({ file, line: (expr ?? node).line, title: name, read }));
  const panels = panelsIn(documents).flatMap(({ file, node, title }) =>
    itemsAt(node, 'targets').flatMap((target) => {
      const expr = target.get('expr');
      return expr === undefined
        ? []
        : [{ file, line: expr.line, title: `panel ${title}`, read: readExpression(withoutVariables(expr.text() ?? '')) }];
    }),
  );
  return [...rules, ...panels];
}
