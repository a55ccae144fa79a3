// Everything that doctor can find, by its stable id. docs/doctor.md lists the same, which a test holds.

/** Every finding: how bad it is, and what it means. Sorted; the id without its last part is that of the rule. */
export const findingTable = {
  'spire.reachable.agent.not-workload-api': { severity: 'error', means: 'what answers at the endpoint is no Workload API' },
  'spire.reachable.agent.silent': { severity: 'error', means: 'the agent takes the connection and does not answer in time' },
  'spire.reachable.agent.unavailable': { severity: 'error', means: 'the agent answers that it cannot, or breaks the call off' },
  'spire.reachable.agent.update-invalid': { severity: 'error', means: 'what the agent sends breaks the specification' },
  'spire.reachable.attested.bundle-missing': { severity: 'error', means: 'the agent has no trust bundle to verify its server with' },
  'spire.reachable.attested.bundle-wrong': { severity: 'error', means: 'the trust bundle of the agent is not that of its server' },
  'spire.reachable.attested.clock': { severity: 'error', means: "the agent's clock is outside the life of its server's certificate" },
  'spire.reachable.attested.expired': { severity: 'error', means: "the agent's own SVID has expired" },
  'spire.reachable.attested.failed': {
    severity: 'error',
    means: 'attestation of the agent fails for another reason, or the agent crashed',
  },
  'spire.reachable.attested.health-silent': { severity: 'warning', means: 'the health listener of the agent does not answer' },
  'spire.reachable.attested.not-ready': { severity: 'error', means: 'the agent runs and says that it is not ready' },
  'spire.reachable.attested.refused': { severity: 'error', means: 'the server does not admit the agent: it is banned or evicted' },
  'spire.reachable.attested.token-expired': { severity: 'error', means: 'the join token had expired when the agent used it' },
  'spire.reachable.attested.token-missing': { severity: 'error', means: 'the agent has to attest and was given no join token' },
  'spire.reachable.attested.token-used': { severity: 'error', means: 'the server does not know the join token any more: used, or expired' },
  'spire.reachable.attested.trust-domain': { severity: 'error', means: 'agent and server are configured with different trust domains' },
  'spire.reachable.bundle.expired': { severity: 'error', means: 'every authority of our trust domain has expired' },
  'spire.reachable.bundle.missing': { severity: 'error', means: 'there is no authority to verify our own trust domain with' },
  'spire.reachable.bundle.wrong': { severity: 'error', means: 'the bundle does not verify our own SVID' },
  'spire.reachable.clock.ahead': { severity: 'warning', means: 'the local clock is more than 10 s ahead: SVIDs end early here' },
  'spire.reachable.clock.behind': {
    severity: 'error',
    means: 'the local clock is more than 10 s behind: new SVIDs are not valid yet here',
  },
  'spire.reachable.clock.far-ahead': { severity: 'error', means: 'the local clock is ahead by half of the life of an SVID or more' },
  'spire.reachable.endpoint.invalid': { severity: 'error', means: 'the address of the Workload API is malformed' },
  'spire.reachable.endpoint.missing': { severity: 'error', means: 'nothing says where the Workload API is' },
  'spire.reachable.identity.no-entry': { severity: 'error', means: 'no identity: no registration entry comes near this process' },
  'spire.reachable.identity.none-issued': { severity: 'error', means: 'no identity, and the entries of the server could not be compared' },
  'spire.reachable.identity.not-arrived': { severity: 'error', means: 'no identity yet: an entry fits, and the agent does not have it' },
  'spire.reachable.identity.other-id': { severity: 'error', means: 'the identity that is issued is not the one that was expected' },
  'spire.reachable.identity.wrong-parent': {
    severity: 'error',
    means: 'no identity: the entry that fits belongs to no agent that is there',
  },
  'spire.reachable.identity.wrong-selector': { severity: 'error', means: 'no identity: the nearest entry asks for another selector' },
  'spire.reachable.server.api-failed': { severity: 'error', means: 'the API of the server that --server names cannot be asked' },
  'spire.reachable.server.not-spire': { severity: 'error', means: 'what answers at the address of the server is no SPIRE server' },
  'spire.reachable.server.unhealthy': { severity: 'error', means: 'the health listener of the server says no, or does not answer' },
  'spire.reachable.server.unreachable': { severity: 'error', means: 'the server cannot be reached' },
  'spire.reachable.socket.missing': { severity: 'error', means: 'nothing is at the path of the socket' },
  'spire.reachable.socket.no-permission': { severity: 'error', means: 'this user may not open the socket' },
  'spire.reachable.socket.not-a-socket': { severity: 'error', means: 'something else than a socket is at its path' },
  'spire.reachable.socket.refused': { severity: 'error', means: 'nobody listens on the socket, or at the address' },
  'spire.reachable.svid.expired': { severity: 'error', means: 'our SVID has expired' },
  'spire.reachable.svid.not-renewed': {
    severity: 'warning',
    means: 'less than a third of the life of our SVID is left: SPIRE renews at half',
  },
  'spire.reachable.svid.not-yet-valid': { severity: 'error', means: 'our SVID is not valid yet' },
  'trust-domain.production.agrees.differ': { severity: 'error', means: 'not all name the same trust domain' },
} as const;

/** How bad a finding is. */
export type Severity = 'error' | 'warning';

/** One of {@link findingTable}. */
export type FindingId = keyof typeof findingTable;
