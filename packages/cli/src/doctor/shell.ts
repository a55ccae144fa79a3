// Words of a command as a shell takes them, so that what came from a server or a log can be pasted and is still one word.

const SAFE = /^[\w@%+=:,./-]+$/;

/** One word. */
export function shellWord(text: string): string {
  return SAFE.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command of several. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
