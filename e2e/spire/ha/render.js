// Takes results.json into docs/spire.md: node e2e/spire/ha/render.js
import { readResults, writeDocs } from './docs.js';
import { drills } from './drills.js';

const results = readResults();
if (results === undefined) throw new Error('there is no results.json: npm run test:spire -- ha writes it');
writeDocs(results, drills);
