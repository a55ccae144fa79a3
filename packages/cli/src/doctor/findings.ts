// Everything that doctor can find, by its stable id. docs/doctor.md lists the same, which a test holds.
import { projectFindings } from '../deploy/verify/findings.ts';
import { liveFindings } from './live/findings.ts';
import { configurationFindings } from './static/findings.ts';
import { manifestFindings } from './static/manifests/findings.ts';

/** Every finding: how bad it is, and what it means. The id without its last part is that of the rule. */
export const findingTable: typeof liveFindings & typeof configurationFindings & typeof manifestFindings & typeof projectFindings = {
  ...liveFindings,
  ...configurationFindings,
  ...manifestFindings,
  ...projectFindings,
};

/** How bad a finding is. */
export type Severity = 'error' | 'warning';

/** One of {@link findingTable}. */
export type FindingId = keyof typeof findingTable;
