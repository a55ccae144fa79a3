// What about SPIRE needs somebody. Its counters have no _total, and a series for a status only once that status was there, so where something happens all
// the time its absence is asked for: a series that is new shows no increase.
import type { Monitoring } from './monitoring.ts';
import type { Pace } from './pace.ts';
import type { Alert, RuleGroup } from './rule.ts';
import { thresholds } from './thresholds.ts';

const INSTANCE = 'namespace, job, instance';

/** The rules of SPIRE's servers and agents. */
export function spireRules(monitoring: Monitoring, pace: Pace): readonly RuleGroup[] {
  return [
    { name: 'spire-targets', alerts: targetAlerts(monitoring) },
    { name: 'spire-server', alerts: serverAlerts(monitoring, pace) },
    { name: 'spire-agent', alerts: agentAlerts(pace) },
  ];
}

function targetAlerts({ jobs }: Monitoring): readonly Alert[] {
  return [
    {
      alert: 'SPIREServerTargetDown',
      expr: `up{job="${jobs.servers}"} == 0`,
      hold: '5m',
      severity: 'critical',
      summary: 'A SPIRE server does not answer its scrapes',
      description:
        '{{ $labels.instance }} of the job {{ $labels.job }} cannot be scraped. While no server runs nothing is renewed: SVIDs of an hour last for 27 minutes at the least.',
    },
    {
      alert: 'SPIREAgentTargetDown',
      expr: `up{job="${jobs.agents}"} == 0`,
      hold: '5m',
      severity: 'critical',
      summary: 'A SPIRE agent does not answer its scrapes',
      description:
        '{{ $labels.instance }} of the job {{ $labels.job }} cannot be scraped. Services on its machine go on until their SVIDs expire.',
    },
    {
      alert: 'SPIREMetricsAbsent',
      expr: `absent(spire_server_uptime_in_ms{job="${jobs.servers}"})\nor absent(spire_agent_uptime_in_ms{job="${jobs.agents}"})`,
      hold: '10m',
      severity: 'critical',
      summary: 'There are no metrics of SPIRE',
      description: 'The job {{ $labels.job }} has no metrics at all. Until that is mended no other alert about it can fire.',
    },
  ];
}

function serverAlerts({ authority }: Monitoring, pace: Pace): readonly Alert[] {
  return [
    {
      alert: 'SPIREAuthorityExpiringSoon',
      expr: `spire_server_manager_x509_ca_rotate_expiration - time() < ${pace.seconds(authority) / thresholds.authorityShare}`,
      hold: '15m',
      severity: 'critical',
      summary: 'The authority of a SPIRE server is about to expire',
      description:
        'What the server {{ $labels.instance }} signs with expires in {{ $value | humanizeDuration }} and was not replaced in time. SVIDs end with it.',
    },
    {
      alert: 'SPIREAttestationFailing',
      expr: `sum by (namespace, job, status) (rate(spire_server_rpc_agent_v1_agent_attest_agent{status!="OK"}[${pace.length('5m')}])) > 0`,
      hold: '10m',
      severity: 'warning',
      summary: 'Agents are refused by SPIRE',
      description:
        'An agent tries to join again and again, and is refused: {{ $labels.status }}. Workloads on its machine have no identity.',
    },
    {
      alert: 'SPIREDatastoreFailing',
      expr: `sum by (${INSTANCE}) (rate(spire_server_entry_cache_reload{status="OK"}[${pace.length('5m')}])) == 0`,
      hold: '5m',
      severity: 'critical',
      summary: 'A SPIRE server cannot read its database',
      description: 'The server {{ $labels.instance }} has not read its registration entries for ten minutes: the database does not answer.',
    },
  ];
}

function agentAlerts(pace: Pace): readonly Alert[] {
  return [
    {
      alert: 'SPIREAgentSyncFailing',
      expr: `sum by (${INSTANCE}) (rate(spire_agent_manager_sync_fetch_entries_updates{status="OK"}[${pace.length('5m')}])) == 0`,
      hold: '5m',
      severity: 'critical',
      summary: 'A SPIRE agent does not reach its server',
      description: 'The agent {{ $labels.instance }} has heard nothing of a server for ten minutes. SVIDs on its machine are not renewed.',
    },
    {
      alert: 'SPIREWorkloadNotRegistered',
      expr: `sum by (${INSTANCE}) (rate(spire_agent_rpc_workload_api_fetch_x509svid{status="PermissionDenied"}[${pace.length('5m')}])) > 0`,
      hold: '10m',
      severity: 'warning',
      summary: 'A workload asks for an identity and gets none',
      description:
        'On the machine of the agent {{ $labels.instance }} something asks for an SVID, and no registration entry grants it one.',
    },
  ];
}
