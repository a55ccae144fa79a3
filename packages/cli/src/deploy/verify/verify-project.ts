// A directory that "ephemos deploy init" made in; one report of it out: as it was written, and fit for production.
import { readDocuments } from '../../doctor/documents/read-documents.ts';
import { joinReports, judge, type Report } from '../../doctor/judge.ts';
import { staticChecklist } from '../../doctor/static/checklist.ts';
import { gatherProject } from './gather-project.ts';
import { projectChecklist } from './project-item.ts';

/**
 * Looks at it.
 * @throws {EphemosError} ERR_CONFIG_INVALID when it has no record, or one that is none
 */
export async function verifyProject(directory: string, now: Date): Promise<Report> {
  const project = judge(projectChecklist, await gatherProject(directory, now));
  return joinReports(
    project,
    judge(
      staticChecklist,
      readDocuments([directory], () => ''),
    ),
  );
}
