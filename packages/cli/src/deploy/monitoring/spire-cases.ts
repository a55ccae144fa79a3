// Tests of the rules about SPIRE, with series as a SPIRE 1.15 shows them: counters without _total, a status only once it was there.
import { type Firing, labelled, type RuleCase } from './rule-case.ts';

const SERVER = { job: 'spire-server', instance: 'spire-1:9988' } as const;
const AGENT = { job: 'spire-agent', instance: 'machine-1:9989' } as const;

const firing = (description: string, labels: Readonly<Record<string, string>>): readonly Firing[] => [{ labels, description }];
const NOTHING: readonly Firing[] = [];

/** Not there, then once a minute from the 6th to the 25th, then no more. */
const APPEARS = '_ _ _ _ _ _ 1+1x19 20x20';
/** Twelve a minute, none from the 11th to the 20th. */
const PAUSES = '0+12x10 120x9 132+12x20';

/** The cases. */
export const spireCases: readonly RuleCase[] = [
  {
    alert: 'SPIREServerTargetDown',
    series: { [`up{${labelled(SERVER)}}`]: '1x5 0x9 1x5', [`up{${labelled(AGENT)}}`]: '1x20' },
    expect: [
      [10, NOTHING],
      [
        11,
        firing(
          'spire-1:9988 of the job spire-server cannot be scraped. While no server runs nothing is renewed: SVIDs of an hour last for 27 minutes at the least.',
          SERVER,
        ),
      ],
      [16, NOTHING],
    ],
  },
  {
    alert: 'SPIREAgentTargetDown',
    series: { [`up{${labelled(AGENT)}}`]: '1x5 0x9 1x5', [`up{${labelled(SERVER)}}`]: '1x20' },
    expect: [
      [10, NOTHING],
      [
        11,
        firing('machine-1:9989 of the job spire-agent cannot be scraped. Services on its machine go on until their SVIDs expire.', AGENT),
      ],
      [16, NOTHING],
    ],
  },
  {
    alert: 'SPIREMetricsAbsent',
    series: {
      [`spire_server_uptime_in_ms{${labelled(SERVER)}}`]: '_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 1x5',
      [`spire_agent_uptime_in_ms{${labelled(AGENT)}}`]: '1x20',
    },
    expect: [
      [9, NOTHING],
      [
        10,
        firing('The job spire-server has no metrics at all. Until that is mended no other alert about it can fire.', {
          job: 'spire-server',
        }),
      ],
      [15, NOTHING],
    ],
  },
  {
    alert: 'SPIREAuthorityExpiringSoon',
    series: {
      [`spire_server_manager_x509_ca_rotate_expiration{${labelled(SERVER)}, trust_domain_id="prod_acme_com"}`]: '60000x200 600000x20',
    },
    expect: [
      [175, NOTHING],
      [
        176,
        firing('What the server spire-1:9988 signs with expires in 13h 44m 0s and was not replaced in time. SVIDs end with it.', {
          ...SERVER,
          trust_domain_id: 'prod_acme_com',
        }),
      ],
      [201, NOTHING],
    ],
  },
  {
    alert: 'SPIREAttestationFailing',
    series: {
      [`spire_server_rpc_agent_v1_agent_attest_agent{${labelled(SERVER)}, status="PermissionDenied"}`]: APPEARS,
      [`spire_server_rpc_agent_v1_agent_attest_agent{${labelled(SERVER)}, status="OK"}`]: '0+1x50',
    },
    expect: [
      [16, NOTHING],
      [
        17,
        firing('An agent tries to join again and again, and is refused: PermissionDenied. Workloads on its machine have no identity.', {
          job: 'spire-server',
          status: 'PermissionDenied',
        }),
      ],
      [31, NOTHING],
    ],
  },
  {
    alert: 'SPIREDatastoreFailing',
    series: { [`spire_server_entry_cache_reload{${labelled(SERVER)}, status="OK"}`]: PAUSES },
    expect: [
      [19, NOTHING],
      [20, firing('The server spire-1:9988 has not read its registration entries for ten minutes: the database does not answer.', SERVER)],
      [21, NOTHING],
    ],
  },
  {
    alert: 'SPIREAgentSyncFailing',
    series: { [`spire_agent_manager_sync_fetch_entries_updates{${labelled(AGENT)}, status="OK"}`]: PAUSES },
    expect: [
      [19, NOTHING],
      [20, firing('The agent machine-1:9989 has heard nothing of a server for ten minutes. SVIDs on its machine are not renewed.', AGENT)],
      [21, NOTHING],
    ],
  },
  {
    alert: 'SPIREWorkloadNotRegistered',
    series: { [`spire_agent_rpc_workload_api_fetch_x509svid{${labelled(AGENT)}, status="PermissionDenied"}`]: APPEARS },
    expect: [
      [16, NOTHING],
      [
        17,
        firing('On the machine of the agent machine-1:9989 something asks for an SVID, and no registration entry grants it one.', AGENT),
      ],
      [31, NOTHING],
    ],
  },
];
