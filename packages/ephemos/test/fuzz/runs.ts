// How often a property runs: 2,000 times in `npm test`, EPHEMOS_FUZZ_RUNS times in the long run.
export const numRuns = Number(process.env['EPHEMOS_FUZZ_RUNS'] ?? 2000);
