// A text and what is to stand elsewhere in it in; the changed text out.

/** What is to stand between two offsets. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Makes the edits, which do not overlap. */
export function editText(text: string, edits: readonly Edit[]): string {
  let [at, made] = [0, ''];
  for (const { start, end, text: wanted } of edits.toSorted((a, b) => a.start - b.start)) {
    made += text.slice(at, start) + wanted;
    at = end;
  }
  return made + text.slice(at);
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
