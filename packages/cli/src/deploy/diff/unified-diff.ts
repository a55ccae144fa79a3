// Two texts in; the lines that differ out, with three around them, as patch(1) reads them.
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

/** A longer text is not compared line by line: 512 Ki characters. */
const MAX_LENGTH: number = 512 * 1024;
/** Nor are texts that have more lines than this apart: what they are compared for is to be read. */
const MAX_EDITS = 4000;

/** The difference; undefined when there is none, or too much of it to be read. */
export function unifiedDiff(name: string, from: string, to: string): string | undefined {
  if (from === to || from.length > MAX_LENGTH || to.length > MAX_LENGTH) return undefined;
  return createTwoFilesPatch(`a/${name}`, `b/${name}`, from, to, '', '', {
    context: 3,
    maxEditLength: MAX_EDITS,
    headerOptions: FILE_HEADERS_ONLY,
  });
}
