// Route patterns in, those that cover a path out, without looking at the others.
import { ANY, type RouteSegment } from './rule-route.ts';

interface Node<V> {
  readonly literals: Map<string, Node<V>>;
  any: Node<V> | undefined;
  /** Of the patterns that end here. */
  readonly here: V[];
  /** Of the patterns that end here in `/**`. */
  readonly below: V[];
}

/** What stands in a tree for each of its patterns. */
export class RouteTree<V> {
  readonly #root: Node<V> = createNode();
  readonly #anyMatchesEmpty: boolean;

  constructor({ anyMatchesEmpty = false }: { readonly anyMatchesEmpty?: boolean } = {}) {
    this.#anyMatchesEmpty = anyMatchesEmpty;
  }

  /** The values of one pattern, to be added to. */
  at(segments: readonly RouteSegment[], rest: boolean): V[] {
    let node = this.#root;
    for (const segment of segments) node = childOf(node, segment);
    return rest ? node.below : node.here;
  }

  /** Visits the values of every pattern that covers the path. */
  visit(path: readonly string[], see: (value: V) => void): void {
    this.#descend(this.#root, path, 0, see);
  }

  // As deep as the longest pattern at most, whatever the length of the path.
  #descend(node: Node<V>, path: readonly string[], depth: number, see: (value: V) => void): void {
    node.below.forEach(see);
    const segment = path[depth];
    if (segment === undefined) return node.here.forEach(see);
    const literal = node.literals.get(segment);
    if (literal !== undefined) this.#descend(literal, path, depth + 1, see);
    if (node.any !== undefined && (segment !== '' || this.#anyMatchesEmpty)) this.#descend(node.any, path, depth + 1, see);
  }
}

function childOf<V>(node: Node<V>, segment: RouteSegment): Node<V> {
  const known = segment === ANY ? node.any : node.literals.get(segment);
  if (known !== undefined) return known;
  const child = createNode<V>();
  if (segment === ANY) node.any = child;
  else node.literals.set(segment, child);
  return child;
}

function createNode<V>(): Node<V> {
  return { literals: new Map(), any: undefined, here: [], below: [] };
}
