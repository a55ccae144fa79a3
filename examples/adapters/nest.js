// NestJS: a guard on a route, and the app as the listener of createServer. Decorators are called as the compiler calls them. Only ops may delete.
import 'reflect-metadata';
import { Controller, Delete, Get, Module, Param, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { authorizeId, authorizeOneOf, createServer, openX509Source } from 'ephemos';
import { peerOf, requirePeer } from 'ephemos/nest';
import { __decorate, __param } from 'tslib';

class Orders {
  list(req) {
    return `orders for ${peerOf(req).id}`;
  }
  remove(req, id) {
    return `${id} deleted for ${peerOf(req).id}`;
  }
}
const onlyOps = UseGuards(requirePeer(authorizeId('spiffe://example.org/ops')));
__decorate([Get(), __param(0, Req())], Orders.prototype, 'list', null);
__decorate([Delete(':id'), onlyOps, __param(0, Req()), __param(1, Param('id'))], Orders.prototype, 'remove', null);
class AppModule {}
Module({ controllers: [Controller('orders')(Orders) ?? Orders] })(AppModule);

const source = await openX509Source();
const authorize = authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org/ops']);
const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.init();
const server = createServer({ source, authorize }, app.getHttpAdapter().getInstance());
server.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', server.address()));
