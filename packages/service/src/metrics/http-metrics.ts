// Finished HTTP requests as a histogram: the labels of http-metrics in the semantic conventions of OpenTelemetry.
import type { RequestEnd, ServedRequest } from 'ephemos';
import { CALL_BUCKETS, HTTP_METHODS, OTHER } from '../conventions/calls.ts';
import { createBoundedLabels } from './bounded-labels.ts';
import type { MetricSet, Observe } from './metric-set.ts';

/** Most routes that are told apart; the others are `other`. */
export const MAX_ROUTES = 100;

/** Says which route served a request, such as `/orders/:id`; asked when the request has ended. Without an answer the label is empty. */
export type RouteOf = (request: ServedRequest) => string | undefined;

const METHODS: ReadonlySet<string> = new Set(HTTP_METHODS);

/** Adds the metric of HTTP requests. Returns what counts one that has ended. */
export function addHttpMetrics(
  set: MetricSet,
  routeOf: RouteOf | undefined,
): (request: ServedRequest, end: RequestEnd, seconds: number) => void {
  const duration = set.histogram(
    {
      name: 'http_server_request_duration_seconds',
      help: 'Duration of HTTP requests that were authorized, upgrades left out.',
      labels: ['http_request_method', 'http_response_status_code', 'http_route'],
    },
    CALL_BUCKETS,
  );
  // By route, method and status. The methods are few, and the statuses are chosen by our own handlers.
  const routes = createBoundedLabels(MAX_ROUTES, 'other', (http_route) => {
    const methods = createBoundedLabels(METHODS.size, OTHER, (http_request_method) => {
      const statuses = new Map<number, Observe>();
      return (status: number): Observe => {
        let observe = statuses.get(status);
        if (observe === undefined) {
          observe = duration({ http_request_method, http_response_status_code: status === 0 ? '' : String(status), http_route });
          statuses.set(status, observe);
        }
        return observe;
      };
    });
    return (method: string) => methods.known(method) ?? (METHODS.has(method) ? methods.admit(method) : methods.other);
  });
  const unknownRoute = routes.admit('');

  return (request, { status }, seconds) => {
    const route = routeOf === undefined ? undefined : routeFrom(routeOf, request);
    const methods = route === undefined ? unknownRoute : (routes.known(route) ?? routes.admit(route));
    methods(request.method)(statusLabel(status))(seconds);
  };
}

// It is somebody else's, and a request must not fail for it.
function routeFrom(routeOf: RouteOf, request: ServedRequest): string | undefined {
  try {
    const route: unknown = routeOf(request);
    return typeof route === 'string' ? route : undefined;
  } catch {
    return undefined;
  }
}

// 0 is an answer that was never begun.
function statusLabel(status: number): number {
  return Number.isInteger(status) && status >= 100 && status <= 599 ? status : 0;
}
