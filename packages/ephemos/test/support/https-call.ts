// One HTTP/1 request through an agent, whole answer out.
import type { IncomingHttpHeaders } from 'node:http';
import { type RequestOptions, request } from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether it went over a connection that had served before. */
  readonly reused: boolean;
}

export function httpsCall(url: string, options: RequestOptions & { readonly body?: string | undefined }): Promise<HttpAnswer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', ...rest }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, reused: sent.reusedSocket }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
