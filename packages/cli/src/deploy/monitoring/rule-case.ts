// A test of one alert for `promtool test rules`: series over time in, what fires when out.

/** What an alert says when it fires, without what the rule itself tells: name, severity, summary and runbook. */
export interface Firing {
  readonly labels: Readonly<Record<string, string>>;
  readonly description: string;
}

/** Series with a sample a minute, and what is expected of one alert. */
export interface RuleCase {
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  /** By minute. An empty list: it does not fire. */
  readonly expect: readonly (readonly [minute: number, firing: readonly Firing[]])[];
}

/** Labels of a series, as they stand in its name. */
export function labelled(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ');
}
