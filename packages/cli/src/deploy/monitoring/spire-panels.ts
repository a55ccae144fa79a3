// What the dashboard shows of SPIRE: whether it is there, signs, and answers those who ask.
import type { Monitoring } from './monitoring.ts';
import { secondsOf } from './pace.ts';
import type { Row } from './panel.ts';
import { thresholds } from './thresholds.ts';

const RATE = '[$__rate_interval]';

/** The row of SPIRE. */
export function spireRow({ jobs, authority }: Monitoring): Row {
  return {
    title: 'SPIRE',
    panels: [
      {
        title: 'Scraped',
        type: 'timeseries',
        description: 'Servers and agents that answer.',
        unit: 'short',
        queries: [{ expr: `sum by (job) (up{job=~"${jobs.servers}|${jobs.agents}"})`, legend: '{{job}}' }],
        width: 6,
      },
      {
        title: 'Until the authority of a server expires',
        type: 'timeseries',
        description: 'SPIRE replaces it when a sixth is left.',
        unit: 's',
        queries: [{ expr: 'spire_server_manager_x509_ca_rotate_expiration - time()', legend: '{{instance}}' }],
        steps: [
          { color: 'red', from: null },
          { color: 'green', from: secondsOf(authority) / thresholds.authorityShare },
        ],
        width: 6,
      },
      {
        title: 'X.509-SVIDs signed',
        type: 'timeseries',
        description: 'A second, for each server.',
        unit: 'ops',
        queries: [{ expr: `sum by (instance) (rate(spire_server_server_ca_sign_x509_svid${RATE}))`, legend: '{{instance}}' }],
        width: 6,
      },
      {
        title: 'Attestation of agents',
        type: 'timeseries',
        description: 'In five minutes, by status.',
        unit: 'short',
        queries: [{ expr: 'sum by (status) (increase(spire_server_rpc_agent_v1_agent_attest_agent[5m]))', legend: '{{status}}' }],
        width: 6,
      },
      {
        title: 'Agents ask for changes',
        type: 'timeseries',
        description: 'A second, by status. OK has to be there all the time.',
        unit: 'ops',
        queries: [
          {
            expr: `sum by (instance, status) (rate(spire_agent_manager_sync_fetch_entries_updates${RATE}))`,
            legend: '{{instance}} {{status}}',
          },
        ],
        width: 6,
      },
      {
        title: 'Workloads on the Workload API',
        type: 'timeseries',
        description: 'Open streams, for each agent.',
        unit: 'short',
        queries: [{ expr: 'spire_agent_workload_api_connections', legend: '{{instance}}' }],
        width: 6,
      },
      {
        title: 'Workloads without an entry',
        type: 'timeseries',
        description: 'Requests a second that no registration entry grants an identity.',
        unit: 'ops',
        queries: [
          {
            expr: `sum by (instance) (rate(spire_agent_rpc_workload_api_fetch_x509svid{status="PermissionDenied"}${RATE}))`,
            legend: '{{instance}}',
          },
        ],
        mayBeEmpty: true,
        width: 6,
      },
      {
        title: 'Database of the server',
        type: 'timeseries',
        description: 'How long it takes to read all entries.',
        unit: 's',
        queries: [
          {
            expr: `sum by (instance) (rate(spire_server_entry_cache_reload_elapsed_time_sum{status="OK"}${RATE}))\n/ sum by (instance) (rate(spire_server_entry_cache_reload_elapsed_time_count{status="OK"}${RATE})) / 1000`,
            legend: '{{instance}}',
          },
        ],
        width: 6,
      },
    ],
  };
}
