import { describeHttpServer } from './http-server.ts';

describeHttpServer('nest.js');
