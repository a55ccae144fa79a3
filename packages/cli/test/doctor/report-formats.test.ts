// The report as JUnit and as SARIF: what the formats demand, and that nothing which comes from a file can break out of them.
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/doctor/check.ts';
import { finding, found, mend, pass, skip } from '../../src/doctor/check.ts';
import { findingTable } from '../../src/doctor/findings.ts';
import { joinReports, judge, type Report } from '../../src/doctor/judge.ts';
import { reportJunit } from '../../src/doctor/report-junit.ts';
import { reportSarif } from '../../src/doctor/report-sarif.ts';
import { elementsOf, textIn } from '../support/xml.ts';

const wrong = (file: string, what = 'it is wrong'): Finding =>
  finding('ca.hierarchy.keys.memory', what, {
    evidence: ['<seen> & "told"'],
    mends: [mend('mend it', 'a = "b"')],
    place: { file, line: 7 },
  });
const warned: Finding = finding('ca.hierarchy.subject.default', 'it could be better', { evidence: [], mends: [], place: undefined });

function report(...findings: readonly [Finding, ...Finding[]]): Report {
  return judge(
    [
      {
        id: 'ca.hierarchy',
        title: 'the authorities',
        rules: [
          { id: 'ca.hierarchy.keys', title: 'keys', judge: () => found(...findings) },
          { id: 'ca.hierarchy.subject', title: 'subject', judge: () => found(warned) },
          { id: 'ca.hierarchy.lives', title: 'lives', judge: () => pass('all long enough') },
          { id: 'ca.hierarchy.upstream', title: 'upstream', judge: () => skip('there is nothing to look at') },
        ],
      },
    ],
    undefined,
  );
}

describe('a report as JUnit', () => {
  it('has a test case for each rule; what was skipped is skipped, and a warning is a failure when warnings count', () => {
    const text = reportJunit(report(wrong('server.conf')), false);
    expect(elementsOf(text, 'testcase').map(({ attributes }) => `${attributes['classname']}.${attributes['name']}`)).toEqual([
      'ca.hierarchy.keys',
      'ca.hierarchy.subject',
      'ca.hierarchy.lives',
      'ca.hierarchy.upstream',
    ]);
    expect(elementsOf(text, 'testsuites')[0]?.attributes).toMatchObject({ tests: '4', failures: '1', skipped: '1', errors: '0' });
    expect(elementsOf(text, 'testsuite')[0]?.attributes).toMatchObject({ name: 'ca.hierarchy', tests: '4', failures: '1', skipped: '1' });
    expect(elementsOf(text, 'skipped').map(({ attributes }) => attributes['message'])).toEqual(['there is nothing to look at']);
    expect(elementsOf(text, 'failure').map(({ attributes }) => attributes['type'])).toEqual(['ca.hierarchy.keys.memory']);
    expect(textIn(text, 'failure')).toContain('server.conf:7: error: it is wrong');
    const strict = reportJunit(report(wrong('server.conf')), true);
    expect(elementsOf(strict, 'testsuites')[0]?.attributes).toMatchObject({ failures: '2' });
    expect(elementsOf(strict, 'failure').length).toBe(2);
  });

  it('escapes what would be XML, and has no control characters', () => {
    const text = reportJunit(report(wrong('a<b>&"\'.conf', 'x\u0000\u001b[31m]]>\ufffe\ud800</failure>')), false);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\ufffe\uffff]/u);
    expect(elementsOf(text, 'failure').length).toBe(1);
    expect(textIn(text, 'failure')).toContain('a<b>&"\'.conf:7');
    expect(textIn(text, 'failure')).toContain(']]>');
  });
});

interface Sarif {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly name: string;
        readonly rules: readonly { readonly id: string }[];
        readonly notifications: readonly { readonly id: string }[];
      };
    };
    readonly invocations: readonly {
      readonly executionSuccessful: boolean;
      readonly exitCode: number;
      readonly toolExecutionNotifications: readonly {
        readonly descriptor: { readonly id: string; readonly index: number };
        readonly level: string;
        readonly message: { readonly text: string };
      }[];
    }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations?: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string; readonly uriBaseId?: string };
          readonly region: { readonly startLine: number };
        };
      }[];
    }[];
  }[];
}

function sarif(given: Report): Sarif {
  const document: Sarif = JSON.parse(JSON.stringify(reportSarif(given, { exitCode: 1, version: '1.2.3', directory: '/home/me/shop' })));
  return document;
}

describe('a report as SARIF 2.1.0', () => {
  it('has what the schema demands: version, driver, results that name a rule of the driver', () => {
    const { version, runs } = sarif(report(wrong('deploy/server.conf')));
    const [run] = runs;
    expect(version).toBe('2.1.0');
    expect(run?.tool.driver.name).toBe('ephemos doctor');
    expect(run?.tool.driver.rules.map(({ id }) => id)).toEqual(Object.keys(findingTable));
    expect(run?.invocations[0]).toMatchObject({ executionSuccessful: true, exitCode: 1 });
    expect(run?.results.length).toBe(2);
    for (const { ruleId, ruleIndex, level, message } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(['error', 'warning']).toContain(level);
      expect(message.text).not.toBe('');
    }
  });

  it('has the file relative to the sources, as a URI, with the line; others in full', () => {
    const locations = (file: string): unknown => sarif(report(wrong(file))).runs[0]?.results[0]?.locations?.[0]?.physicalLocation;
    expect(locations('deploy/a b#.conf')).toEqual({
      artifactLocation: { uri: 'deploy/a%20b%23.conf', uriBaseId: '%SRCROOT%' },
      region: { startLine: 7 },
    });
    expect(locations('/home/me/shop/server.conf')).toMatchObject({ artifactLocation: { uri: 'server.conf' } });
    expect(locations('/etc/spire/server.conf')).toMatchObject({ artifactLocation: { uri: pathToFileURL('/etc/spire/server.conf').href } });
    expect(locations('../other/server.conf')).toMatchObject({
      artifactLocation: { uri: pathToFileURL('/home/me/other/server.conf').href },
    });
  });

  it('tells what was skipped as a notification, and not as a result', () => {
    const [run] = sarif(report(wrong('server.conf'))).runs;
    const [notification, ...more] = run?.invocations[0]?.toolExecutionNotifications ?? [];
    expect(notification).toMatchObject({ level: 'note', message: { text: 'skipped, not looked at: there is nothing to look at' } });
    expect(run?.tool.driver.notifications[notification?.descriptor.index ?? -1]?.id).toBe('ca.hierarchy.upstream');
    expect(more).toEqual([]);
    expect(run?.results.map(({ ruleId }) => ruleId)).toEqual(['ca.hierarchy.keys.memory', 'ca.hierarchy.subject.default']);
  });
});

describe('several reports', () => {
  it('are one, whose counts are those of all', () => {
    const one = report(wrong('server.conf'));
    expect(joinReports(one, one).counts).toEqual({ pass: 2, fail: 2, warn: 2, skip: 2 });
    expect(joinReports(one, one).items.length).toBe(2);
  });
});
