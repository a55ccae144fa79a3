import { describeHttpServer } from './http-server.ts';

describeHttpServer('hono.js');
