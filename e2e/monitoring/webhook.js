// Where Alertmanager sends to: keeps what arrives, by the path that it arrives at.
import { createServer } from 'node:http';

/** @typedef {{ path: string, status: string, alert: string, runbook: string }} Notice */

/** @returns {Promise<{ url: string, notices: () => readonly Notice[], close: () => Promise<void> }>} */
export async function openWebhook() {
  /** @type {Notice[]} */
  const notices = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += part;
    for (const { status, labels, annotations } of JSON.parse(text).alerts)
      notices.push({ path: request.url ?? '', status, alert: labels.alertname, runbook: annotations.runbook_url });
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the webhook has no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    notices: () => notices,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}
