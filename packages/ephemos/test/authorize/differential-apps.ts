// Real applications of three frameworks with the same handlers, and the policy with one rule for each handler.
import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import express, { type Router } from 'express';
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify';
import { Hono } from 'hono';
import { type Policy, parsePolicy } from '../../src/authorize/policy.ts';

/** The header by which a handler says that it was reached. */
export const REACHED = 'x-reached';

interface Route {
  /** The handler, its rule, and the last part of the only SPIFFE ID that the rule is for. */
  readonly id: string;
  readonly method: string;
  /** As the policy has it. */
  readonly rule: string;
  /** As a framework has it, where that is something else. */
  readonly express?: string;
  readonly hono?: string;
  /** `false`: Fastify cannot have it, as it reads a `%` in a route as one that was decoded. */
  readonly fastify?: string | false;
}

// What is special stands before what is general, as people write it.
const routes: readonly Route[] = [
  { id: 'root', method: 'GET', rule: '/' },
  { id: 'admin', method: 'GET', rule: '/admin' },
  { id: 'admin-delete', method: 'DELETE', rule: '/admin' },
  { id: 'reports', method: 'GET', rule: '/Reports' },
  { id: 'orders', method: 'GET', rule: '/orders' },
  { id: 'orders-post', method: 'POST', rule: '/orders' },
  { id: 'orders-special', method: 'GET', rule: '/orders/special' },
  { id: 'order', method: 'GET', rule: '/orders/:id' },
  { id: 'order-delete', method: 'DELETE', rule: '/orders/:id' },
  { id: 'me', method: 'GET', rule: '/users/me' },
  { id: 'me-delete', method: 'DELETE', rule: '/users/me' },
  { id: 'user', method: 'GET', rule: '/users/:id' },
  { id: 'user-name', method: 'GET', rule: '/users/:id/name' },
  { id: 'tenant-admin', method: 'GET', rule: '/:tenant/admin' },
  { id: 'files-secret', method: 'GET', rule: '/files/secret' },
  { id: 'files', method: 'GET', rule: '/files/**', express: '/files{/*rest}', hono: '/files/*', fastify: '/files/*' },
  { id: 'doc', method: 'GET', rule: '/kb/docs/:doc' },
  { id: 'docs', method: 'GET', rule: '/kb/docs/**', express: '/kb/docs{/*rest}', hono: '/kb/docs/*', fastify: '/kb/docs/*' },
  { id: 'down', method: 'GET', rule: '/down/here/' },
  { id: 'matrix', method: 'GET', rule: '/matrix' },
  { id: 'matrix-a', method: 'GET', rule: '/matrix;a=1' },
  { id: 'plus', method: 'GET', rule: '/a+b', express: '/a\\+b' },
  { id: 'at', method: 'GET', rule: '/@scope/pkg' },
  { id: 'tilde', method: 'GET', rule: '/~joe/home' },
  { id: 'unicode', method: 'GET', rule: '/café', express: '/caf%C3%A9' },
  { id: 'space', method: 'GET', rule: '/two%20words', hono: '/two words', fastify: '/two words' },
  { id: 'percent', method: 'GET', rule: '/100%25', fastify: '/100%' },
  { id: 'semicolon-encoded', method: 'GET', rule: '/semi%3Bcolon', fastify: false },
  { id: 'version', method: 'GET', rule: '/v1.2/x-y_z' },
  { id: 'abc', method: 'GET', rule: '/a/b/c' },
  { id: 'axc', method: 'GET', rule: '/a/:x/c' },
  { id: 'aby', method: 'GET', rule: '/a/b/:y' },
  { id: 'sub-thing', method: 'GET', rule: '/sub/thing' },
  { id: 'sub-any', method: 'GET', rule: '/sub/:any' },
  { id: 'page', method: 'GET', rule: '/:page' },
];

// Every method, and every path below: middleware in Express and Hono.
const area: Route = { id: 'area', method: '*', rule: '/area/**' };
const SUB = '/sub';

/** The ID of the peer that may reach one handler and no other. */
export function peerFor(id: string): string {
  return `spiffe://example.org/may/${id}`;
}

/** The request that a rule without a parameter and without a wild card is written for, by the name of the rule. */
export const literalRules: ReadonlyMap<string, { readonly method: string; readonly path: string }> = new Map(
  routes
    .filter(({ rule }) => !/[*]|\/:/.test(rule))
    .map(({ id, method, rule }) => [id, { method, path: encodeURI(rule).replaceAll('%25', '%') }]),
);

export const handlerIds: readonly string[] = [...routes, area].map(({ id }) => id);

export const policy: Policy = parsePolicy({
  rules: [...routes, area].map(({ id, method, rule }) => ({
    name: id,
    id: peerFor(id),
    http: { route: rule, ...(method === '*' ? {} : { method }) },
  })),
});

export interface App {
  readonly name: string;
  open(): Promise<{ readonly listener: RequestListener; close(): Promise<void> }>;
}

const noClose = () => Promise.resolve();

function addToExpress(router: Router, { id, method, express: path, rule }: Route, prefix: string): void {
  router.route((path ?? rule).slice(prefix.length))[method === 'POST' ? 'post' : method === 'DELETE' ? 'delete' : 'get']((_req, res) => {
    res.set(REACHED, id).end();
  });
}

function expressApp(name: string, list: readonly Route[], options: Readonly<Record<string, boolean>> = {}): App {
  return {
    name,
    open() {
      const app = express();
      for (const [key, value] of Object.entries(options)) app.set(key, value);
      app.use('/area', (_req, res) => {
        res.set(REACHED, area.id).end();
      });
      const sub = express.Router();
      for (const route of list) {
        if (route.rule.startsWith(`${SUB}/`)) addToExpress(sub, route, SUB);
      }
      app.use(SUB, sub);
      for (const route of list) addToExpress(app, route, '');
      return Promise.resolve({ listener: app, close: noClose });
    },
  };
}

function addToFastify(app: FastifyInstance, { id, method, fastify: path, rule }: Route, prefix: string): void {
  if (path === false) return;
  app.route({
    method: method === '*' ? ['GET', 'POST', 'DELETE', 'OPTIONS'] : method,
    url: (path ?? rule).slice(prefix.length),
    handler: (_request, reply) => reply.header(REACHED, id).send(),
  });
}

function fastifyApp(name: string, list: readonly Route[], options: FastifyServerOptions = {}): App {
  return {
    name,
    async open() {
      const app = fastify(options);
      await app.register(
        (sub, _options, done) => {
          for (const route of list) if (route.rule.startsWith(`${SUB}/`)) addToFastify(sub, route, SUB);
          done();
        },
        { prefix: SUB },
      );
      for (const route of list) if (!route.rule.startsWith(`${SUB}/`)) addToFastify(app, route, '');
      addToFastify(app, { ...area, fastify: '/area/*' }, '');
      addToFastify(app, { ...area, fastify: '/area' }, '');
      await app.ready();
      return { listener: app.routing, close: () => app.close() };
    },
  };
}

function addToHono(app: Hono, { id, method, hono: path, rule }: Route, prefix: string): void {
  app.on(method, (path ?? rule).slice(prefix.length), (context) => {
    context.header(REACHED, id);
    return context.body(null);
  });
}

function honoApp(name: string, list: readonly Route[], options: { readonly strict?: boolean } = {}): App {
  return {
    name,
    open() {
      const app = new Hono(options);
      app.all('/area/*', (context) => {
        context.header(REACHED, area.id);
        return context.body(null);
      });
      const sub = new Hono(options);
      for (const route of list) if (route.rule.startsWith(`${SUB}/`)) addToHono(sub, route, SUB);
      app.route(SUB, sub);
      for (const route of list) addToHono(app, route, '');
      return Promise.resolve({ listener: getRequestListener(app.fetch), close: noClose });
    },
  };
}

// What is general stands first, as people write it by mistake.
const backwards = routes.toReversed();

const tolerant = { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, useSemicolonDelimiter: true };

export const apps: readonly App[] = [
  expressApp('Express 5', routes),
  expressApp('Express 5, general routes first', backwards),
  expressApp('Express 5, strict and case-sensitive', routes, { 'strict routing': true, 'case sensitive routing': true }),
  fastifyApp('Fastify 5', routes),
  fastifyApp('Fastify 5, as tolerant as it can be', routes, { routerOptions: tolerant }),
  honoApp('Hono 4 on Node.js', routes),
  honoApp('Hono 4 on Node.js, general routes first', backwards),
  honoApp('Hono 4 on Node.js, not strict', routes, { strict: false }),
];
