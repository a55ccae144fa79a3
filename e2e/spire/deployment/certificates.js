// The certificates of one deployment that never leaves this machine: an offline root, the upstream authority under it, the authorities of machines and
// of the database, and what these sign. Written where spire.yaml says, each key for its owner alone.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

/**
 * @typedef {object} Signed
 * @property {string} certificate PEM
 * @property {string} key PEM
 * @property {string} name
 * @property {import('@peculiar/x509').X509Certificate} parsed
 * @property {webcrypto.CryptoKeyPair} pair
 */

/**
 * @param {string} name the common name
 * @param {{ issuer?: Signed, pathLength?: number, dns?: string, lives?: number }} [options] without a path length it is no authority; `dns` makes it a
 *   server's; `lives` is in seconds, and some weeks without it
 * @returns {Promise<Signed>}
 */
export async function sign(name, { issuer, pathLength, dns, lives } = {}) {
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = pathLength !== undefined;
  const parsed = await X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
      subject: `CN=${name}`,
      issuer: issuer === undefined ? `CN=${name}` : issuer.parsed.subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + (lives === undefined ? (issuer === undefined ? 30 : 20) * day : lives * 1000)),
      publicKey: pair.publicKey,
      signingKey: (issuer?.pair ?? pair).privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(authority, pathLength, true),
        new KeyUsagesExtension(authority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature, true),
        ...(dns === undefined
          ? []
          : [
              new SubjectAlternativeNameExtension([{ type: 'dns', value: dns }]),
              new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
            ]),
      ],
    },
    webcrypto,
  );
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey), 'PRIVATE KEY');
  return { certificate: `${parsed.toString('pem')}\n`, key: `${key}\n`, name, parsed, pair };
}

/**
 * Makes a file that only its owner may read.
 * @param {string} path
 * @param {string} text
 */
export function writePrivately(path, text) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

/**
 * @typedef {object} Authorities
 * @property {Signed} root the offline root: its key is on no disk
 * @property {Signed} nodes who signs the certificates of machines
 */

/**
 * Writes everything that this deployment's servers and its one machine need.
 * @param {import('../../../packages/cli/dist/deploy/spire/spire.js').Spire} spire
 * @param {{ machine: string }} options its name, which is in the ID of its agent
 * @returns {Promise<Authorities>}
 */
export async function writeCertificates({ upstream, nodes, bundle }, { machine }) {
  if (upstream === undefined || nodes.kind !== 'x509pop' || bundle.kind !== 'file') throw new Error('only for deployments on hosts');
  const root = await sign('offline root', { pathLength: 2 });
  const authority = await sign('upstream authority', { issuer: root, pathLength: 1 });
  const machines = await sign('machines', { pathLength: 0 });
  const node = await sign(machine, { issuer: machines });
  for (const [path, text] of /** @type {const} */ ([
    [upstream.certificate, authority.certificate],
    [upstream.key, authority.key],
    [upstream.roots, root.certificate],
    [nodes.authority, machines.certificate],
    [nodes.certificate, node.certificate],
    [nodes.key, node.key],
    [bundle.path, root.certificate],
  ])) {
    writePrivately(path, text);
  }
  return { root, nodes: machines };
}
