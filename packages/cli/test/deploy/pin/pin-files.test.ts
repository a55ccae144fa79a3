import { describe, expect, it } from 'vitest';
import { findImages } from '../../../src/deploy/pin/find-images.ts';
import { pinFiles } from '../../../src/deploy/pin/pin-files.ts';

const [a, b] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
const server = 'ghcr.io/spiffe/spire-server:1.15.2';
const orders = 'registry.acme.com/orders:1.4.0';
const pins = new Map([
  [server, a],
  [orders, b],
]);

function pinned(files: Readonly<Record<string, string>>, options?: { readonly update?: boolean }): Readonly<Record<string, string>> {
  return Object.fromEntries(pinFiles(new Map(Object.entries(files)), pins, options));
}

function named(files: Readonly<Record<string, string>>): readonly string[] {
  return findImages(new Map(Object.entries(files))).map(
    ({ file, line, image }) => `${file}:${line} ${image.text}${image.digest === undefined ? '' : ' pinned'}`,
  );
}

const deployment = (image: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: orders }\nspec:\n  template:\n    spec:\n      initContainers:\n        - name: wait\n          image: ${server}\n      containers:\n        - name: orders\n          image: "${image}" # the service\n`;
const kustomization = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - deployment.yaml\n';

describe('pinFiles', () => {
  it('writes the digest behind the tag in a compose.yaml, also in the default of a variable and behind an anchor', () => {
    const text = `x-image: &image ${server}\nservices:\n  spire:\n    image: *image\n  other: { image: '${orders}' }\n  own:\n    image: \${IMAGE:-${orders}}\n  built:\n    build: .\n    image: ${orders}\n  none: { image: "\${IMAGE}" }\n`;
    expect(pinned({ 'compose.yaml': text })['compose.yaml']).toBe(
      text.replace(server, `${server}@${a}`).replace(`'${orders}'`, `'${orders}@${b}'`).replace(`:-${orders}`, `:-${orders}@${b}`),
    );
  });

  it('writes the digest in a Dockerfile where a stage starts, at its ARG, and where it copies from', () => {
    const text = `# FROM ${server}\nARG BASE=${orders}\nARG UNUSED=${server}\nFROM --platform=linux/amd64 ${server} AS build\nARG BASE=${server}\nCOPY --from=${orders} /a /b\nRUN --mount=type=bind,from=${server},target=/x true\nFROM scratch\nCOPY --from=build /a /b\nCOPY --from=0 /a /b\nFROM \${BASE}\n`;
    expect(pinned({ 'docker/Dockerfile': text })['docker/Dockerfile']).toBe(
      text
        .replace(`ARG BASE=${orders}`, `ARG BASE=${orders}@${b}`)
        .replace(`amd64 ${server} AS`, `amd64 ${server}@${a} AS`)
        .replace(`--from=${orders}`, `--from=${orders}@${b}`)
        .replace(`from=${server},`, `from=${server}@${a},`),
    );
    expect(pinned({ 'docker/Dockerfile.dockerignore': text })['docker/Dockerfile.dockerignore']).toBe(text);
  });

  it('gives the kustomization of a manifest an entry, and leaves the manifest as it is', () => {
    const files = { 'base/deployment.yaml': deployment(orders), 'base/kustomization.yaml': kustomization };
    const made = pinned(files);
    expect(made['base/deployment.yaml']).toBe(files['base/deployment.yaml']);
    expect(made['base/kustomization.yaml']).toBe(
      `${kustomization}images:\n  - name: ghcr.io/spiffe/spire-server\n    newTag: "1.15.2"\n    digest: ${a}\n  - name: registry.acme.com/orders\n    newTag: "1.4.0"\n    digest: ${b}\n`,
    );
    expect(named(made)).toEqual([
      'base/kustomization.yaml:6 ghcr.io/spiffe/spire-server:1.15.2 pinned',
      'base/kustomization.yaml:9 registry.acme.com/orders:1.4.0 pinned',
    ]);
  });

  it('adds to entries that are there, and gives theirs a digest', () => {
    const overlay = 'resources: [../../base]\nimages:\n- name: app\n  newName: registry.acme.com/orders\n  newTag: 1.4.0 # the release\n';
    const made = pinned({
      'base/deployment.yaml': deployment('app'),
      'base/kustomization.yaml': `${kustomization}images:\n- name: other\n  newTag: "1"\n\n# the end\n`,
      'overlays/production/kustomization.yaml': overlay,
    });
    expect(made['overlays/production/kustomization.yaml']).toBe(overlay.replace('1.4.0 #', `1.4.0\n  digest: ${b} #`));
    expect(made['base/kustomization.yaml']).toBe(
      `${kustomization}images:\n- name: other\n  newTag: "1"\n- name: ghcr.io/spiffe/spire-server\n  newTag: "1.15.2"\n  digest: ${a}\n\n# the end\n`,
    );
  });

  it('writes into the manifest where no kustomization takes it, and where kustomize would not look', () => {
    const cluster = `apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: { name: db }\nspec:\n  imageName: ${orders}\n`;
    const made = pinned({
      'a.yaml': deployment(orders),
      'spire/cluster.yaml': cluster,
      'spire/kustomization.yaml': 'resources: [cluster.yaml]\n',
    });
    expect(made['a.yaml']).toBe(deployment(`${orders}@${b}`).replace(server, `${server}@${a}`));
    expect(made['spire/cluster.yaml']).toBe(cluster.replace(orders, `${orders}@${b}`));
  });

  it('leaves what is pinned alone, unless it is to be asked for again', () => {
    const files = { 'a.yaml': deployment(`${orders}@${a}`) };
    expect(pinned(files)['a.yaml']).toContain(`${orders}@${a}`);
    expect(pinned(files, { update: true })['a.yaml']).toContain(`${orders}@${b}`);
    const entry = {
      'kustomization.yaml': `images:\n  - name: x\n    newName: registry.acme.com/orders\n    newTag: 1.4.0\n    digest: ${a}\n`,
    };
    expect(pinned(entry, { update: true })['kustomization.yaml']).toBe(entry['kustomization.yaml'].replace(a, b));
  });

  it('changes nothing a second time', () => {
    const files = {
      'base/deployment.yaml': deployment(orders),
      'base/kustomization.yaml': kustomization,
      'compose.yaml': `services: { a: { image: "${server}" } }\n`,
    };
    const once = pinned(files);
    expect(once).not.toEqual(files);
    expect(pinned(once)).toEqual(once);
  });

  it('finds no image in other YAML, nor in what is none', () => {
    expect(
      named({
        'values.yaml': `image: ${server}\n`,
        'a.yaml': `kind: "x\n image: ${server}`,
        'b.json': `{"services":{"a":{"image":"${server}"}}}`,
      }),
    ).toEqual([]);
  });
});
