// One agent behind one set of operations, so that the same scenarios run on SPIRE and on the development agent:
// callers get identities, lose them, and the agent comes and goes.

/**
 * How a program is started so that the agent knows it as one caller.
 * @typedef {object} Caller
 * @property {{ SPIFFE_ENDPOINT_SOCKET: string }} env
 * @property {number} [uid]
 * @property {number} [gid]
 */

/**
 * @typedef {object} World
 * @property {string} about the agent, for people
 * @property {string} trustDomain
 * @property {import('./spire.js').RunningSpire} [spire] the SPIRE behind it, where it is one
 * @property {number} ttl seconds that SVIDs live
 * @property {(spiffeId: string) => Promise<void>} register
 * @property {(spiffeId: string) => Promise<void>} withdraw
 * @property {(spiffeId: string) => Promise<Caller>} as how to be this caller, registered or not
 * @property {(options: { downSeconds: number }) => Promise<void>} restartAgent
 * @property {(options: { patient: boolean }) => Promise<void>} rotateAuthority a whole rotation of the signing authority, the old one
 *   distrusted at the end; `patient` waits until every SVID was renewed by itself, else renewal is forced
 * @property {() => Promise<void>} close
 */

const firstUid = 20_001;
/** How long the server's changes take to every workload: its cache and its agents sync each second here. */
const propagationSeconds = 3;

/** @param {number} seconds */
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * The oldest that SPIRE lets an SVID become, in seconds: it backdates by 10 s and renews at half of the whole, give or take a tenth.
 * @param {number} ttl
 */
const longestRenewal = (ttl) => (ttl + 10) * 0.55 - 10;

/**
 * @param {{ spire: import('./install.js').Spire, running: import('./spire.js').RunningSpire, ttl: number }} options
 * @returns {World}
 */
export function createSpireWorld({ spire, running, ttl }) {
  /** @type {Map<string, number>} one Unix user per SPIFFE ID: that is what the entries select on */
  const users = new Map();
  /** @type {Map<string, string>} */
  const entries = new Map();
  /** @param {string} spiffeId */
  const user = (spiffeId) => {
    const known = users.get(spiffeId) ?? firstUid + users.size;
    users.set(spiffeId, known);
    return known;
  };
  return {
    about: `SPIRE ${spire.version} (${spire.from})`,
    trustDomain: running.trustDomain,
    spire: running,
    ttl,
    register: async (spiffeId) => {
      entries.set(spiffeId, (await running.register({ spiffeId, uid: user(spiffeId), ttl })).entryId);
    },
    withdraw: async (spiffeId) => {
      const entry = entries.get(spiffeId);
      if (entry === undefined) throw new Error(`${spiffeId} has no entry`);
      await running.unregister(entry);
      entries.delete(spiffeId);
    },
    as: async (spiffeId) => ({ env: { SPIFFE_ENDPOINT_SOCKET: running.endpoint }, uid: user(spiffeId), gid: user(spiffeId) }),
    restartAgent: async ({ downSeconds }) => {
      await running.stopAgent();
      await wait(downSeconds);
      await running.startAgent();
    },
    rotateAuthority: async ({ patient }) => {
      const rotation = await running.prepareAuthority();
      await wait(propagationSeconds);
      await rotation.activate();
      if (patient) await wait(longestRenewal(ttl) + propagationSeconds);
      await rotation.taint();
      await wait(propagationSeconds);
      await rotation.revoke();
    },
    close: () => running.close(),
  };
}
