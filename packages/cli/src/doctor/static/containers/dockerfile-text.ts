// The text of a Dockerfile in; its bases and the instructions of the image that it makes out.
import { DockerfileParser, type Instruction } from 'dockerfile-ast';

/** An instruction. */
export interface DockerfileInstruction {
  readonly keyword: string;
  /** From 1. */
  readonly line: number;
  /** What follows the keyword, on one line. */
  readonly text: string;
  /** `["program", "argument"]`, not a line for a shell. */
  readonly isExec: boolean;
  readonly words: readonly string[];
}

/** A Dockerfile. */
export interface Dockerfile {
  /** Images of others, with defaults of ARG filled in; other stages left out. */
  readonly bases: readonly { readonly image: string; readonly line: number }[];
  /** Of the last stage: what the image is. */
  readonly instructions: readonly DockerfileInstruction[];
}

/** Reads a Dockerfile. */
export function parseDockerfile(text: string): Dockerfile {
  const parsed = DockerfileParser.parse(text);
  const froms = parsed.getFROMs();
  const stages = new Set(froms.flatMap((from) => from.getBuildStage()?.toLowerCase() ?? []));
  const values = new Map(
    parsed.getARGs().flatMap((arg) => {
      const property = arg.getProperty();
      const value = property?.getValue();
      return property === null || value === null || value === undefined ? [] : [[property.getName(), value] as const];
    }),
  );
  const filled = (image: string): string =>
    image.replace(/\$\{(\w+)(?::?-[^}]*)?\}|\$(\w+)/g, (whole, a, b) => values.get(String(a ?? b)) ?? whole);
  const bases = froms.flatMap((from) => {
    const image = filled(from.getImage() ?? '');
    return image === '' || stages.has(image.toLowerCase()) ? [] : [{ image, line: lineOf(from) }];
  });
  const last = froms.at(-1)?.getRange().start.line ?? 0;
  const instructions = parsed
    .getInstructions()
    .filter((each) => each.getRange().start.line > last)
    .map(instructionOf);
  return { bases, instructions };
}

function lineOf(instruction: Instruction): number {
  return instruction.getRange().start.line + 1;
}

function instructionOf(instruction: Instruction): DockerfileInstruction {
  const texts = instruction.getArguments().map((each) => each.getValue());
  const words = execWords(instruction.getArgumentsContent() ?? '');
  return {
    keyword: instruction.getKeyword(),
    line: lineOf(instruction),
    text: texts.join(' '),
    isExec: words !== undefined,
    words: words ?? texts,
  };
}

// As Docker does: what is no JSON list of texts is a line for the shell. (The strings of the package lose their spaces, 0.7.1.)
function execWords(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
