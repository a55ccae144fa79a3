// What was seen of a peer, as it is shown: an inspection in, a page for people or a document for programs out.

import type { SpiffeId } from 'ephemos';
import { EphemosError, isEphemosError } from 'ephemos/errors';
import type { PeerInspection } from 'ephemos/tls';
import { type CertificateSummary, summarize, summaryJson } from './certificate.ts';
import { reportOf } from './error.ts';
import { columns, printable, type Style } from './text.ts';
import { lifeLeft, moment } from './time.ts';

/** An inspection and what it was made with. */
export interface Verdict {
  /** The peer as it was dialled. */
  readonly target: string;
  /** Whom the peer had to be, as it was given. */
  readonly rule: string;
  readonly own: SpiffeId;
  readonly inspection: PeerInspection;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Why the two would not talk, in words for whoever ran the command; undefined when they would. */
export function objectionOf({ rule, own, inspection }: Verdict): EphemosError | undefined {
  const { peer, refusal, reception, closeError } = inspection;
  if (isEphemosError(refusal, 'ERR_PEER_UNAUTHORIZED') && peer !== undefined) {
    return new EphemosError(refusal.code, `the peer is ${peer.id}, and the rule is ${rule}`, {
      hint: `if it is the one you meant, give --id ${peer.id}; else another service answers at this address`,
      cause: refusal,
    });
  }
  if (refusal !== undefined || reception !== 'closed') return refusal;
  const because = closeError === undefined ? '' : ` (${reasonOf(closeError)})`;
  return new EphemosError('ERR_CONNECT_FAILED', `the peer closed the connection right after the handshake${because}`, {
    hint: `it may not authorize ${own}, or not trust its authority; its log says why`,
  });
}

/** The page, for a terminal of that many columns. */
export function verdictText(verdict: Verdict, style: Style, width: number | undefined): string {
  const { target, own, inspection, now } = verdict;
  const objection = objectionOf(verdict);
  const head =
    objection === undefined
      ? `${style.good('verified and authorized')}  ${style.bold(target)}`
      : `${style.bad(inspection.refusal === undefined ? 'refused by the peer' : 'refused')}  ${style.bold(target)}`;
  const reason = objection === undefined ? '' : `${columns(labelled(errorRows(objection), style), { indent: '  ', width })}\n\n`;
  const facts = [
    ['SPIFFE ID', idText(inspection)],
    ...verifiedRows(inspection),
    ['authorized', authorizedText(verdict)],
    ['the peer', receptionText(inspection)],
    [
      'TLS',
      `${inspection.tlsVersion}, ${inspection.cipher}, ${inspection.protocol === undefined ? 'no ALPN' : `ALPN ${printable(inspection.protocol)}`}`,
    ],
    ['address', inspection.remoteAddress ?? 'unknown'],
    ['we are', own.toString()],
  ];
  const chain = inspection.chain.map((der, index) => certificateText(summarize(der), { index, now, width }, style));
  const presented = chain.length === 0 ? 'the peer presented no certificate\n' : `chain that the peer presented\n${chain.join('')}`;
  return `${head}\n${reason}${columns(labelled(facts, style), { indent: '  ', width })}\n\n${presented}`;
}

/** The document. */
export function verdictJson(verdict: Verdict): object {
  const { target, rule, own, inspection } = verdict;
  const { chain, peer, refusal, reception, remoteAddress, tlsVersion, cipher, protocol } = inspection;
  const objection = objectionOf(verdict);
  return {
    target,
    remoteAddress: remoteAddress ?? null,
    own,
    verdict: objection === undefined ? 'ok' : refusal === undefined ? 'refused-by-peer' : 'refused',
    error: objection === undefined ? null : reportOf(objection),
    id: peer?.id ?? null,
    verifiedBy: peer === undefined ? null : { trustDomain: peer.id.trustDomain, authority: summaryJson(summarize(peer.authority)) },
    rule,
    authorized: isAuthorized(inspection),
    reception,
    tls: { version: tlsVersion, cipher, alpn: protocol ?? null },
    chain: chain.map((der) => summaryJson(summarize(der))),
  };
}

function isAuthorized({ peer, refusal }: PeerInspection): boolean {
  return peer !== undefined && refusal?.code !== 'ERR_PEER_UNAUTHORIZED';
}

function errorRows(error: EphemosError): readonly (readonly string[])[] {
  const { code, message, hint } = reportOf(error);
  return [['code', code], ['reason', printable(message)], ...(hint === null ? [] : [['hint', printable(hint)]])];
}

function idText({ peer, chain: [leaf] }: PeerInspection): string {
  if (peer !== undefined) return peer.id.toString();
  const uris = leaf === undefined ? [] : (summarize(leaf).uris ?? []);
  return uris.length === 0 ? 'none' : `${uris.map(printable).join(', ')}  (claimed, not verified)`;
}

function verifiedRows({ peer }: PeerInspection): readonly (readonly string[])[] {
  if (peer === undefined) return [['verified', 'no']];
  const { subject, notAfter } = summarize(peer.authority);
  return [
    ['verified', `by the bundle of ${peer.id.trustDomain}`],
    ['authority', `${printable(subject) || 'empty name'}, until ${moment(notAfter)}`],
  ];
}

function authorizedText({ rule, inspection }: Verdict): string {
  if (inspection.peer === undefined) return 'not asked, because it is not verified';
  return `${isAuthorized(inspection) ? 'yes' : 'no'}, by ${rule}`;
}

function receptionText({ reception }: PeerInspection): string {
  switch (reception) {
    case 'answered':
      return 'took the connection and sent something';
    case 'silent':
      return 'kept the connection open';
    case 'closed':
      return 'closed the connection';
  }
}

interface CertificatePlace {
  readonly index: number;
  readonly now: number;
  readonly width: number | undefined;
}

function certificateText(summary: CertificateSummary, { index, now, width }: CertificatePlace, style: Style): string {
  const { subject, issuer, uris, ca, notBefore, notAfter, keyType } = summary;
  const rows = [
    ...(uris ?? []).map((uri) => ['URI SAN', printable(uri)]),
    ['subject', printable(subject) || 'empty'],
    ['issuer', printable(issuer) || 'empty'],
    ['valid', `${moment(notBefore)} to ${moment(notAfter)}, ${validityText(notBefore, notAfter, now, style)}`],
    ['key', keyType],
  ];
  return `  ${index + 1}  ${index === 0 ? 'leaf' : 'issuer'}${ca ? ', a CA' : ''}\n${columns(labelled(rows, style), { indent: '     ', width })}\n`;
}

function validityText(notBefore: number, notAfter: number, now: number, style: Style): string {
  if (now < notBefore) return style.bad('not valid yet');
  return now > notAfter ? style.bad(lifeLeft(notAfter, now)) : lifeLeft(notAfter, now);
}

function labelled(rows: readonly (readonly string[])[], style: Style): readonly (readonly string[])[] {
  return rows.map(([label = '', value = '']) => [style.dim(label), value]);
}

// What an alert says stands in `reason` of an OpenSSL error; its message is a line of internals.
function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : 'code' in error ? String(error.code) : error.message;
}
