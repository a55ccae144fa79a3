// Whether a secret stands in a file that people share. What is found is never shown.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { documentsOf, type Source, type StaticEvidence } from '../../documents/document.ts';
import { conclude } from '../conclude.ts';

interface Pattern {
  readonly id:
    | 'secrets.none.texts.private-key'
    | 'secrets.none.texts.token'
    | 'secrets.none.texts.access-key'
    | 'secrets.none.texts.password';
  readonly what: string;
  readonly pattern: RegExp;
  readonly inComments: boolean;
}

const patterns: readonly Pattern[] = [
  {
    id: 'secrets.none.texts.private-key',
    what: 'a private key stands here',
    pattern: /-----BEGIN ([A-Z]+ )*PRIVATE KEY( BLOCK)?-----/,
    inComments: true,
  },
  {
    id: 'secrets.none.texts.token',
    what: 'a JSON Web Token stands here',
    pattern: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/,
    inComments: true,
  },
  {
    id: 'secrets.none.texts.access-key',
    what: 'the key of a service stands here',
    pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}|\bxox[abprs]-[A-Za-z0-9-]{20,}|\bAIza[A-Za-z0-9_-]{35}\b/,
    inComments: true,
  },
  {
    id: 'secrets.none.texts.password',
    what: 'a password stands in a URL',
    // Not what a shell, Kubernetes or a template would fill in.
    pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"'{}$<>]+:(?![$<{*])[^\s/@"'{}$<>]+@/i,
    inComments: false,
  },
];

const mends = [
  mend('take it out, and change it: whoever has read the file, or its history, has it'),
  mend('give it to the process at run time: a Secret that is mounted, a variable, or no secret at all but an identity'),
];

/** The rule. */
export const secretTextsRule: Rule<StaticEvidence> = {
  id: 'secrets.none.texts',
  title: 'no key, token or password stands in a file',
  judge({ documents, sources }) {
    const confs = new Set(documentsOf(documents, 'spire-conf').map(({ file }) => file));
    return conclude(
      sources.flatMap((source) => [...inSource(source, confs.has(source.file))]),
      {
        count: sources.length,
        passed: `none in ${sources.length === 1 ? 'one file' : `${sources.length} files`}`,
        skipped: 'there is no file',
      },
    );
  },
};

function* inSource({ file, text, shared }: Source, isConf: boolean): Generator<Finding> {
  // A key in a file that is its owner's alone is where it belongs.
  if (!shared && /^\s*-----BEGIN /.test(text)) return;
  const lines = text.split('\n');
  for (const { id, what, pattern, inComments } of patterns) {
    for (const [index, line] of lines.entries()) {
      if (!pattern.test(line) || (!inComments && /^\s*(#|\/\/)/.test(line))) continue;
      // secrets.none.spire tells of those.
      if (isConf && id === 'secrets.none.texts.password' && /connection_string/.test(line)) continue;
      yield finding(id, what, { evidence: ['it is not shown here'], mends, place: { file, line: index + 1 } });
    }
  }
}
