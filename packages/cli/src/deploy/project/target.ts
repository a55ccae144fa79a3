// What a deployment can be written for: answers in, its files out.

/** What `--target` takes. */
export const targetNames = ['compose', 'kubernetes', 'systemd'] as const;

/** One of {@link targetNames}. */
export type TargetName = (typeof targetNames)[number];

/** Answers as they were given, or recorded; what is left out gets its default. */
export type GivenAnswers = Readonly<Record<string, string | undefined>>;

/** What answers make. */
export interface Made {
  /** Every answer, checked, for the record. */
  readonly answers: Readonly<Record<string, string>>;
  /** Every file that is no secret, by its name below the directory. */
  readonly files: ReadonlyMap<string, string>;
  /** Digests that stand in the files, by the reference of their image; no target knows one itself, "ephemos deploy pin" does. */
  readonly pins?: ReadonlyMap<string, string>;
  /** What to do next, as lines to paste. */
  readonly next: readonly string[];
}

/** A kind of deployment. */
export interface Target {
  readonly name: TargetName;
  /** Where to, when nobody says. */
  readonly directory: string;
  /** Answers that cannot be changed once the directory is made. */
  readonly fixed: readonly string[];
  /**
   * The same in gives the same out.
   * @throws {EphemosError} ERR_CONFIG_INVALID for an answer that is none, or that this target does not know
   */
  make(given: GivenAnswers): Made;
}
