// Files by name in; the same files below a folder out.

/** Puts files below a folder. */
export function below(folder: string, files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].map(([name, text]) => [`${folder}/${name}`, text]));
}
