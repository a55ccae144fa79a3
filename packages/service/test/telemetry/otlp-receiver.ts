// A receiver of OTLP over HTTP with JSON: what an exporter really sent, as spans and metrics that can be compared.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';

type Value = string | number | boolean | undefined;

/** A span as it was received. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'SERVER' | 'CLIENT' | 'INTERNAL';
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly scope: string;
  readonly schemaUrl: string | undefined;
}

/** One series of a metric as it was received. */
export interface ReceivedPoint {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Of a gauge or counter; how many there were for a histogram. */
  readonly value: number;
  readonly bounds: readonly number[] | undefined;
}

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  /** Every body that has come, as text. */
  readonly bodies: readonly string[];
  readonly spans: readonly ReceivedSpan[];
  /** The points of the last export. */
  readonly points: readonly ReceivedPoint[];
  /** The spans that pass, as soon as there are so many of them. */
  untilSpans(count: number, passes?: (span: ReceivedSpan) => boolean): Promise<readonly ReceivedSpan[]>;
  /** Answers nothing until it is released; `asked` resolves when something is waiting. */
  hold(): { readonly asked: Promise<unknown>; release(): void };
}

interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
  };
}

interface Scoped {
  readonly scope: { readonly name: string };
  readonly schemaUrl?: string;
}

interface Point {
  readonly attributes: readonly Attribute[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly count?: number | string;
  readonly explicitBounds?: readonly number[];
}

interface Export {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly (Scoped & {
      readonly spans: readonly {
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly name: string;
        readonly kind: number;
        readonly attributes: readonly Attribute[];
        readonly status: { readonly code?: number };
      }[];
    })[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly (Scoped & {
      readonly metrics: readonly ({ readonly name: string; readonly unit: string } & Partial<
        Record<'gauge' | 'sum' | 'histogram', { readonly dataPoints: readonly Point[] }>
      >)[];
    })[];
  }[];
}

export async function openOtlpReceiver(): Promise<OtlpReceiver> {
  const bodies: string[] = [];
  const watchers = new Set<() => void>();
  let spans: readonly ReceivedSpan[] = [];
  let points: readonly ReceivedPoint[] = [];
  let held: Promise<void> | undefined;

  const server = createServer(async (request, response) => {
    const text = await textOf(request);
    const received: Export = JSON.parse(text);
    bodies.push(text);
    if (request.url === '/v1/traces') spans = [...spans, ...spansOf(received)];
    else points = pointsOf(received);
    server.emit('export');
    await held;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    for (const watcher of watchers) watcher();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the receiver has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    bodies,
    get spans() {
      return spans;
    },
    get points() {
      return points;
    },
    untilSpans(count, passes = () => true) {
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`there are not ${count} spans: ${JSON.stringify(spans, undefined, 1)}`)), 10_000);
        function look(): void {
          const found = spans.filter(passes);
          if (found.length < count) return;
          clearTimeout(late);
          watchers.delete(look);
          resolve(found);
        }
        watchers.add(look);
        look();
      });
    },
    hold() {
      let release = (): void => undefined;
      held = new Promise((resolve) => {
        release = resolve;
      });
      return { asked: once(server, 'export'), release };
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const KINDS = ['INTERNAL', 'INTERNAL', 'SERVER', 'CLIENT'] as const;

function spansOf({ resourceSpans = [] }: Export): readonly ReceivedSpan[] {
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ scope, schemaUrl, spans }) =>
      spans.map(({ traceId, spanId, parentSpanId, name, kind, attributes, status }) => ({
        traceId,
        spanId,
        parentSpanId,
        name,
        kind: KINDS[kind] ?? 'INTERNAL',
        failed: status.code === 2,
        attributes: attributesOf(attributes),
        scope: scope.name,
        schemaUrl,
      })),
    );
}

function pointsOf({ resourceMetrics = [] }: Export): readonly ReceivedPoint[] {
  return resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ name, unit, gauge, sum, histogram }) =>
      [gauge, sum, histogram]
        .flatMap((each) => each?.dataPoints ?? [])
        .map((point) => ({
          name,
          unit,
          attributes: attributesOf(point.attributes),
          value: Number(point.count ?? point.asDouble ?? point.asInt),
          bounds: point.explicitBounds,
        })),
    );
}

function attributesOf(attributes: readonly Attribute[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? boolValue ?? (intValue === undefined ? doubleValue : Number(intValue)),
    ]),
  );
}
