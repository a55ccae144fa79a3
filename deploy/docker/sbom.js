// The production dependencies that are installed here in, a CycloneDX document of them out: `node sbom.js [workspace]`. npm makes it; what differs
// from run to run (serial number, time) is made to follow from the content and SOURCE_DATE_EPOCH, so that equal images are equal to the byte.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';

const workspace = process.argv[2];
const words = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', ...(workspace === undefined ? [] : [`--workspace=${workspace}`])];
const bom = JSON.parse(execFileSync('npm', words, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }));

// npm names a package of the repository after its folder; its package URL has the name.
for (const component of [bom.metadata.component, ...bom.components]) {
  const purl = /^pkg:npm\/(.+)@[^@]*$/.exec(component.purl);
  if (purl?.[1] !== undefined) component.name = decodeURIComponent(purl[1]);
}
const epoch = process.env['SOURCE_DATE_EPOCH'];
bom.metadata.timestamp = new Date(Number(epoch ?? 0) * 1_000).toISOString();
bom.serialNumber = '';
const digest = createHash('sha256').update(JSON.stringify(bom)).digest('hex');
// RFC 9562, section 5.8: 122 bits of one's own, version 8.
bom.serialNumber = `urn:uuid:${digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5')}`;
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
