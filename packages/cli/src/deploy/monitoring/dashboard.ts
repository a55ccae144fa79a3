// What is monitored in; the dashboard of Grafana out as a file that can be provisioned, with the files that provision it.
import { jsonText } from '../../output/text.ts';
import type { Monitoring } from './monitoring.ts';
import { layOut } from './panel.ts';
import { dashboardRows } from './panels.ts';

/** The dashboard as Grafana's JSON model. */
export function dashboardJson(monitoring: Monitoring): string {
  return `${jsonText(
    {
      uid: 'ephemos-services',
      title: 'Ephemos Services',
      description: 'SPIFFE identities, mTLS and calls of Ephemos services, and the SPIRE under them.',
      tags: ['ephemos', 'spiffe'],
      schemaVersion: 39,
      version: 1,
      editable: true,
      graphTooltip: 1,
      refresh: '30s',
      time: { from: 'now-6h', to: 'now' },
      timezone: '',
      annotations: { list: [] },
      links: [],
      templating: { list: [datasource(), choice('namespace', ''), choice('service', 'namespace=~"$namespace"')] },
      panels: layOut(dashboardRows(monitoring)),
    },
    2,
  )}\n`;
}

function datasource(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1, hide: 0, current: {} };
}

// Where services have no label namespace there is nothing to choose, and all of them fit.
function choice(label: string, selector: string): object {
  const query = `label_values(ephemos_build_info{${selector}}, ${label})`;
  return {
    name: label,
    type: 'query',
    datasource: { type: 'prometheus', uid: '$datasource' },
    definition: query,
    query: { query, refId: label },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
    hide: 0,
  };
}

/** The data source, for Grafana's provisioning. @param url of Prometheus */
export function datasourceYaml(url: string): string {
  return `# provisioning/datasources of Grafana: where the dashboard gets its numbers.
apiVersion: 1
datasources:
  - name: Prometheus
    uid: ephemos-prometheus
    type: prometheus
    access: proxy
    url: ${jsonText(url)}
    isDefault: true
    jsonData:
      # The scrape interval: $__rate_interval is made of it.
      timeInterval: 30s
`;
}

/** The provider of the dashboard, for Grafana's provisioning. */
export function providerYaml(): string {
  return `# provisioning/dashboards of Grafana: loads every dashboard in this folder of its machine.
apiVersion: 1
providers:
  - name: ephemos
    folder: Ephemos
    type: file
    allowUiUpdates: false
    options:
      path: /var/lib/grafana/dashboards/ephemos
`;
}
