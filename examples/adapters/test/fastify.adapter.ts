import { describeHttpServer } from './http-server.ts';

describeHttpServer('fastify.js');
