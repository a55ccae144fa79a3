// Says how often a *.fuzz.ts property runs: a fixed, reproducible few in `npm test`, EPHEMOS_FUZZ_RUNS random ones in the long run.
import { configureGlobal } from 'fast-check';

const runs = process.env['EPHEMOS_FUZZ_RUNS'];

configureGlobal(runs === undefined ? { numRuns: 300, seed: 1 } : { numRuns: Number(runs) });
