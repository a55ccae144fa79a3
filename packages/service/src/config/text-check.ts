// What no text in a configuration may be, whatever its key: a placeholder that nothing fills in, or a secret.

/** A refusal of a text. */
export interface TextProblem {
  readonly message: string;
  readonly hint: string;
}

const PLACEHOLDER = /\$\{[^}]*\}?|\$\([A-Za-z_][A-Za-z0-9_.-]*\)|\{\{.*?\}\}/s;
// PEM, a JWT, and the prefixes of keys of well-known services.
const SECRET =
  /-----BEGIN |\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|:\/\/[^/\s:@]+:[^/\s@]+@/;

/** True for a text that must not be shown. */
export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** The problem of a text, when it has one. Never holds a secret itself. */
export function checkText(text: string): TextProblem | undefined {
  if (isSecret(text)) {
    return {
      message: 'this looks like a key, a token, a certificate or a password, and none belongs in a configuration',
      hint: 'remove it: identities come from the Workload API',
    };
  }
  const [placeholder] = PLACEHOLDER.exec(text) ?? [];
  if (placeholder === undefined) return undefined;
  return {
    message: `the placeholder ${JSON.stringify(placeholder.slice(0, 60))} was not filled in`,
    hint: 'nothing is expanded here: write the value, or set the variable of this key',
  };
}
