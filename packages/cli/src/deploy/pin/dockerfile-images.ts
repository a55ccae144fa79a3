// A Dockerfile in; the images that its stages start from, or copy from, out, each with where it stands.

/** An image and its offsets. */
export interface FoundText {
  readonly image: string;
  readonly start: number;
  readonly end: number;
}

const ARGUMENT = /^\s*ARG\s+([A-Za-z_]\w*)=(["']?)([^\s"']+)\2\s*$/i;
const FROM = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$/i;
const COPY_FROM = /^\s*(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=(\S+)/i;
const MOUNT_FROM = /--mount=\S*?\bfrom=([^\s,]+)/gi;
const VARIABLE = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))$/;

/** Finds them. An ARG before the first FROM counts where a stage starts from it. */
export function dockerfileImages(text: string): readonly FoundText[] {
  const found = new Map<number, FoundText>();
  const defaults = new Map<string, FoundText>();
  const stages = new Set<string>();
  const add = (image: string, from: FoundText): void => {
    const variable = VARIABLE.exec(image);
    const meant = variable === null ? from : defaults.get(variable[1] ?? variable[2] ?? '');
    if (meant !== undefined && !stages.has(image.toLowerCase()) && !/^\d+$/.test(image)) found.set(meant.start, meant);
  };
  let offset = 0;
  for (const line of text.split('\n')) {
    const place = (image: string, at: number): FoundText => ({ image, start: offset + at, end: offset + at + image.length });
    const [, name, , value] = stages.size === 0 ? (ARGUMENT.exec(line) ?? []) : [];
    if (name !== undefined && value !== undefined) defaults.set(name, place(value, line.indexOf(value, line.indexOf('='))));
    const [, image, stage] = FROM.exec(line) ?? [];
    if (image !== undefined) {
      add(image, place(image, line.search(new RegExp(`(?<=\\s)${escaped(image)}(?=\\s|$)`))));
      stages.add((stage ?? `\0${stages.size}`).toLowerCase());
    }
    const copied = COPY_FROM.exec(line)?.[1];
    if (copied !== undefined) add(copied, place(copied, line.indexOf(`--from=${copied}`) + '--from='.length));
    for (const { 1: mounted = '', index, 0: whole } of line.trimStart().startsWith('#') ? [] : line.matchAll(MOUNT_FROM))
      add(mounted, place(mounted, index + whole.length - mounted.length));
    offset += line.length + 1;
  }
  return [...found.values()];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
