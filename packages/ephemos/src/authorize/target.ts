// What a request asks for, in the one form that rules are compared with.

/** What an HTTP request asks for; `parseHttpTarget` makes it. */
export interface HttpTarget {
  readonly protocol: 'http';
  /** In capitals. HEAD is GET here, and an upgrade is a GET. */
  readonly method: string;
  /** The path without its query: percent-encoded letters, digits, `-`, `_` and `~` are decoded, all other encodings are kept in capitals. */
  readonly path: string;
  /** The same path as it was sent. A literal of a route is compared with this one, because some routers never decode. */
  readonly rawPath: string;
}

/** What a gRPC call asks for; `parseGrpcTarget` makes it. */
export interface GrpcTarget {
  readonly protocol: 'grpc';
  /** The full name of the service, such as `orders.v1.Orders`. */
  readonly service: string;
  readonly method: string;
}

/** What a request asks for. `protocol` tells the two apart. */
export type Target = HttpTarget | GrpcTarget;
