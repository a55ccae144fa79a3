// One POST through a node:https agent.
import { request } from 'node:https';

/**
 * Resolves with the body of a 200 answer.
 * @param {import('node:https').Agent} agent
 * @param {string} url
 * @param {string} body
 * @returns {Promise<string>}
 */
export function postWith(agent, url, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: 'POST', headers: { 'content-type': 'text/plain; charset=utf-8' } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
