// Whether a dashboard can be provisioned, and shows what it asks for.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { documentsOf, type StaticEvidence } from '../../documents/document.ts';
import { placeOf } from '../manifests/objects.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { modelOf, panelsIn } from './rules-view.ts';

/** Panels of AngularJS, which Grafana 12 has no more; with what they are today. */
const ANGULAR: ReadonlyMap<string, string> = new Map([
  ['graph', 'timeseries'],
  ['singlestat', 'stat'],
  ['table-old', 'table'],
  ['grafana-piechart-panel', 'piechart'],
  ['grafana-worldmap-panel', 'geomap'],
]);

/** Dashboards. */
export const dashboardRule: Rule<StaticEvidence> = createRule({
  id: 'observability.wired.dashboard',
  title: 'dashboards can be provisioned, and show what they ask for',
  thing: 'dashboard',
  look: (documents) =>
    lookAt(documentsOf(documents, 'dashboard'), function* (document): Generator<Finding> {
      const { file, node } = document;
      const model = modelOf(node);
      if (model !== node) {
        yield finding('observability.wired.dashboard.envelope', 'the dashboard stands in an envelope of the HTTP API', {
          evidence: ['Grafana provisions the model itself, and finds no title in this file'],
          mends: [mend('take out what is in "dashboard"', 'jq .dashboard <file>')],
          place: placeOf(file, node.get('dashboard')),
        });
      }
      const panels = panelsIn([document]);
      for (const panel of panels) {
        const instead = ANGULAR.get(panel.type);
        if (instead === undefined) continue;
        yield finding('observability.wired.dashboard.angular', `panel ${panel.title} is of a kind that Grafana has no more`, {
          evidence: [`type: ${panel.type}`],
          mends: [mend('use what it became', `"type": "${instead}"`)],
          place: placeOf(file, panel.node.get('type')),
        });
      }
      const without = (what: string, has: (panel: (typeof panels)[number]) => boolean): readonly string[] => {
        const titles = panels.filter((panel) => panel.type !== 'text' && !has(panel)).map(({ title }) => title);
        return titles.length === 0 ? [] : [`no ${what}: ${titles.join(', ')}`];
      };
      const missing = [
        ...(model.get('uid') === undefined ? ['no uid: each import makes another dashboard, and links break'] : []),
        ...(model.get('schemaVersion') === undefined ? ['no schemaVersion: Grafana takes it for an old one, and migrates it'] : []),
        ...without(
          'datasource',
          ({ node: panel }) => panel.get('datasource') !== undefined || panel.get('targets', 0, 'datasource') !== undefined,
        ),
        ...without('gridPos', ({ node: panel }) => panel.get('gridPos') !== undefined),
        ...without('unit', ({ node: panel }) => panel.get('fieldConfig', 'defaults', 'unit') !== undefined),
      ];
      if (missing.length === 0) return;
      yield finding('observability.wired.dashboard.incomplete', 'the dashboard leaves to Grafana what it should say', {
        evidence: missing,
        mends: [mend('start from one that is whole: deploy/monitoring/grafana/ephemos-services.json')],
        place: placeOf(file, model),
      });
    }),
});
