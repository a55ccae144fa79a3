// Our own deployments: the static doctor finds nothing in them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { documentsOf, type StaticEvidence } from '../../src/doctor/documents/document.ts';
import { readDocuments } from '../../src/doctor/documents/read-documents.ts';
import { judge } from '../../src/doctor/judge.ts';
import { staticChecklist } from '../../src/doctor/static/checklist.ts';
import { findingsOf } from '../support/documents.ts';

const deploy = fileURLToPath(new URL('../../../../deploy', import.meta.url));
const read = (path: string): StaticEvidence => readDocuments([path], () => '');

describe('deploy/', () => {
  const evidence = read(deploy);

  it('gives no finding', () => {
    expect(findingsOf(judge(staticChecklist, evidence))).toEqual([]);
  });

  it.each(
    readdirSync(deploy, { withFileTypes: true })
      .filter((each) => each.isDirectory())
      .map(({ name }) => name),
  )('gives none for %s alone', (name) => {
    expect(findingsOf(judge(staticChecklist, read(join(deploy, name))))).toEqual([]);
  });

  it('has documents of every kind, so that there was something to find', () => {
    for (const kind of [
      'spire-conf',
      'service-config',
      'manifest',
      'kustomization',
      'compose',
      'dockerfile',
      'rules',
      'dashboard',
      'values',
    ] as const) {
      expect(documentsOf(evidence.documents, kind).length, kind).toBeGreaterThan(0);
    }
  });
});
