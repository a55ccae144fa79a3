// Every image that manifests, compose files and Dockerfiles name in; those that are not one exact, current image of somebody known out.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence } from '../../documents/document.ts';
import { placeOf } from '../manifests/objects.ts';
import { containersOf } from '../manifests/pods.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { parseDockerfile } from './dockerfile-text.ts';

/** An image where it is named. */
interface Named {
  readonly file: string;
  readonly line: number | undefined;
  readonly image: string;
  /** It was built here, or somebody says another one: then it needs neither registry nor version. */
  readonly isLocal: boolean;
  /** A node fetches it by this name alone. */
  readonly isDeployed: boolean;
}

function imagesOf(documents: readonly Document[]): readonly Named[] {
  const manifests = containersOf(documents).flatMap((container): readonly Named[] => {
    const image = container.node.get('image');
    return image === undefined ? [] : [{ ...placeOf(container.file, image), image: image.text() ?? '', isLocal: false, isDeployed: true }];
  });
  const compose = documentsOf(documents, 'compose').flatMap(({ file, node }) =>
    (node.get('services')?.entries() ?? []).flatMap(([, service]): readonly Named[] => {
      const image = service.get('image');
      const name = defaultOf(image?.text() ?? '');
      // With a variable in front it is meant to be replaced.
      const isLocal = service.get('build') !== undefined || name !== image?.text();
      return image === undefined || name === '' ? [] : [{ ...placeOf(file, image), image: name, isLocal, isDeployed: true }];
    }),
  );
  const dockerfiles = documentsOf(documents, 'dockerfile').flatMap(({ file, text }) =>
    parseDockerfile(text).bases.map(({ image, line }) => ({ file, line, image, isLocal: false, isDeployed: false })),
  );
  return [...manifests, ...compose, ...dockerfiles].filter(({ image }) => !image.includes('$'));
}

// `${IMAGE:-name:tag}` is `name:tag` where nobody says otherwise.
function defaultOf(image: string): string {
  const [, inner] = /^\$\{\w+:?-([^}]*)\}$/.exec(image) ?? [];
  return inner ?? (image.includes('$') ? '' : image);
}

/** The parts of the name of an image. */
export function partsOf(image: string): {
  readonly registry: string | undefined;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
} {
  const [name = '', digest] = image.split('@');
  const colon = name.lastIndexOf(':');
  const hasTag = colon > name.lastIndexOf('/');
  const whole = hasTag ? name.slice(0, colon) : name;
  const [first = '', ...rest] = whole.split('/');
  const isRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return {
    registry: isRegistry ? first : undefined,
    path: isRegistry ? rest.join('/') : whole,
    tag: hasTag ? name.slice(colon + 1) : undefined,
    digest,
  };
}

/** Images that nobody publishes any more. */
const RETIRED: readonly { readonly fits: RegExp; readonly because: string; readonly instead: string }[] = [
  {
    fits: /^gcr\.io\/spiffe-io\//,
    because: 'SPIRE has left gcr.io after 1.1; what was there is not updated, and may be gone',
    instead: 'ghcr.io/spiffe/<spire-server or spire-agent>:1.15.2',
  },
  {
    fits: /^gcr\.io\/distroless\/.*-debian(9|10|11)([:@]|$)/,
    because: 'distroless images of this Debian are not published any more: no mends of security reach it',
    instead: 'gcr.io/distroless/nodejs24-debian13:nonroot',
  },
  { fits: /^k8s\.gcr\.io\//, because: 'the registry is frozen', instead: 'registry.k8s.io/<name>:<tag>' },
];

const PLACEHOLDER =
  /(^|[./-])(example\.(com|org|net)|your-?(registry|org|company|repo)|my-?registry|changeme|replace-?me|todo|placeholder)([./:-]|$)/i;

function* imageFindings({ file, line, image, isLocal, isDeployed }: Named): Generator<Finding> {
  const { registry, path, tag, digest } = partsOf(image);
  const place = { file, line };
  if (image === 'scratch') return;
  if (tag === 'latest' || (tag === undefined && digest === undefined && !isLocal)) {
    yield finding('config.production.images.no-version', `${image} is another image tomorrow`, {
      evidence: [tag === 'latest' ? 'the tag is latest' : 'there is no tag, which is latest'],
      mends: [mend('name the version that was tested', `image: ${registry === undefined ? '' : `${registry}/`}${path}:<version>`)],
      place,
    });
  }
  const retired = RETIRED.find(({ fits }) => fits.test(image));
  if (retired !== undefined) {
    yield finding('config.production.images.retired', `${image} is not published any more`, {
      evidence: [retired.because],
      mends: [mend('use what is published today', retired.instead)],
      place,
    });
  }
  if (PLACEHOLDER.test(image)) {
    yield finding('config.production.images.placeholder', `${image} stands for an image that was not filled in`, {
      evidence: ['the registry is one of an example'],
      mends: [mend('name the registry that your images are in')],
      place,
    });
  }
  if (registry === undefined && isDeployed && !isLocal && !PLACEHOLDER.test(image)) {
    yield finding('config.production.images.unqualified', `${image} is fetched from wherever the node looks first`, {
      evidence: [`without a registry that is docker.io/${path.includes('/') ? path : `library/${path}`}, mostly somebody else's`],
      mends: [mend('name the registry', `image: <registry>/${path}:${tag ?? '<version>'}`)],
      place,
    });
  }
}

/** Images. */
export const imagesRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.images',
  title: 'images are those that were meant, and stay the same',
  thing: 'image',
  look: (documents) => lookAt(imagesOf(documents), imageFindings),
});
