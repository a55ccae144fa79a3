// '@ephemos/dev': a trust domain on one machine, for development and tests. The only package that holds a CA key.
export { type DevAgentControl, type DevAgentDescription, openDevAgentControl } from './agent/control-client.ts';
export type { DevAgent, DevAgentOptions, DevIdentity } from './agent/dev-agent.ts';
export type { DevAgentEvent, OnDevAgentEvent, StreamDescription } from './agent/event.ts';
export type { Faults } from './agent/faults.ts';
export { openDevAgent } from './agent/open-dev-agent.ts';
export type { AuthorityOptions } from './authority/authority-options.ts';
export { type CertificateKey, generateCertificateKey, type KeyType, type SignatureHash } from './authority/certificate-key.ts';
export type {
  ExtraExtension,
  IssuedCertificate,
  KeyUsageName,
  NameConstraintsOptions,
  RawCertificateOptions,
} from './authority/certificate-options.ts';
export type { IssuedSvid, IssueOptions } from './authority/svid.ts';
export { createTestAuthority, type OpenTestSourceOptions, type TestAuthority } from './authority/test-authority.ts';
export type { Caller, EntryOptions } from './registry/entry.ts';
export { type Fault, type MalformedKind, malformedKinds, type RefusalCode, refusalCodes } from './registry/fault.ts';
