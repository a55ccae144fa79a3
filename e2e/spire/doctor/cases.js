// Every failure, one case after the other: how it is made, what exactly is found, and that the printed mend mends it.
import { agentCases } from './agent-cases.js';
import { identityCases } from './identity-cases.js';
import { serverCases } from './server-cases.js';
import { socketCases } from './socket-cases.js';

/** @type {readonly import('./run.js').Case[]} */
export const cases = [...identityCases, ...socketCases, ...agentCases, ...serverCases];
