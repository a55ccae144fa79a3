// An admitted request in, what its SERVER span is called and says out: at the start, and when it has ended.
import type { Attributes } from '@opentelemetry/api';
import type { RequestEnd, ServedRequest } from 'ephemos';
import { grpcStatusName, HTTP_METHODS, isGrpcServerError, OTHER } from '../conventions/calls.ts';
import { ABORTED, MAX_ATTRIBUTE_CHARS } from './conventions.ts';

/** How a call ended, for its span and for its metric. */
export interface Outcome {
  /** What is known at the end, on the span. */
  readonly span: Attributes;
  /** A name that is better than the one at the start. */
  readonly rename?: string | undefined;
  /** `error.type`; `undefined` when it went well. */
  readonly error: string | undefined;
  /** All labels of the duration; `undefined` when it is not to be measured. Nothing in them is made up by a caller. */
  readonly metric: Attributes | undefined;
}

/** A call as the conventions describe it. */
export interface CallDescription {
  readonly spanName: string;
  readonly attributes: Attributes;
  outcome(end: RequestEnd): Outcome;
}

/** Describes calls. */
export type Describe = (request: Pick<ServedRequest, 'method' | 'path' | 'httpVersion' | 'upgrade'>) => CallDescription;

/** How an HTTP method is shown; `{}` is added for those that were made up. */
export function describeMethod(
  method: string,
  known: ReadonlySet<string>,
): { readonly name: string; readonly label: string; readonly original: Attributes } {
  if (known.has(method)) return { name: method, label: method, original: {} };
  return { name: 'HTTP', label: OTHER, original: { 'http.request.method_original': method.slice(0, MAX_ATTRIBUTE_CHARS) } };
}

/** Makes the description of HTTP requests. There is no route here: a handler that knows it sets `http.route` on the active span. */
export function createHttpDescription(methods: readonly string[] = HTTP_METHODS): Describe {
  const known = new Set(methods);
  return ({ method, path, httpVersion, upgrade }) => {
    const { name, label, original } = describeMethod(method, known);
    const common = { 'http.request.method': label, 'url.scheme': 'https', 'network.protocol.version': httpVersion };
    return {
      spanName: name,
      attributes: { ...common, ...original, ...pathAttribute(path) },
      outcome({ status, aborted }) {
        const error = status >= 500 ? String(status) : aborted ? ABORTED : undefined;
        const ending = {
          ...(status > 0 && { 'http.response.status_code': status }),
          ...(error !== undefined && { 'error.type': error }),
        };
        // An upgrade lasts as long as its connection, which says nothing about how fast requests are answered.
        return { span: ending, error, metric: upgrade ? undefined : { ...common, ...ending } };
      },
    };
  };
}

// Never the query, and nothing before the path: both may hold secrets.
function pathAttribute(target: string): Attributes {
  const [path = ''] = target.split(/[?#]/, 1);
  return path.startsWith('/') || path === '*' ? { 'url.path': path.slice(0, MAX_ATTRIBUTE_CHARS) } : {};
}

/** Most gRPC methods that are told apart. */
export const MAX_GRPC_METHODS = 1000;

/** Makes the description of gRPC calls. A method is known from the first call on that the server did not answer with UNIMPLEMENTED. */
export function createGrpcDescription(): Describe {
  const known = new Set<string>();
  return ({ path }) => {
    const asked = grpcMethod(path);
    return {
      spanName: asked ?? 'grpc',
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': asked ?? OTHER },
      outcome(end) {
        const status = statusOf(end);
        if (asked !== undefined && end.grpcStatus !== undefined && status !== 'UNIMPLEMENTED' && known.size < MAX_GRPC_METHODS)
          known.add(asked);
        const method = asked !== undefined && known.has(asked) ? asked : OTHER;
        const unknown = status === 'UNIMPLEMENTED' && method === OTHER;
        const error = isGrpcServerError(status) ? status : undefined;
        const ending = { 'rpc.status_code': status, ...(error !== undefined && { 'error.type': error }) };
        return {
          span: { ...ending, ...(unknown && { 'rpc.method': OTHER, 'rpc.method_original': path.slice(1, MAX_ATTRIBUTE_CHARS) }) },
          rename: unknown ? 'grpc' : undefined,
          error,
          metric: { 'rpc.system.name': 'grpc', 'rpc.method': method, ...ending },
        };
      },
    };
  };
}

/** `package.Service/Method` of a path, or `undefined` when it is not of this form. */
export function grpcMethod(path: string): string | undefined {
  return path.length <= 256 && /^\/[\w.]+\/\w+$/.test(path) ? path.slice(1) : undefined;
}

// A call that was cut off was cancelled, mostly by its caller, whatever was on its way; one that ended without a status was not answered as
// gRPC asks for.
function statusOf({ grpcStatus, aborted }: RequestEnd): string {
  if (aborted && (grpcStatus ?? 0) === 0) return 'CANCELLED';
  return grpcStatus === undefined ? 'UNKNOWN' : grpcStatusName(grpcStatus);
}
