import { describeHttpServer } from './http-server.ts';

describeHttpServer('express.js');
