// @grpc/grpc-js: credentials verify the server before a call is written; the interceptor shows which server has answered.
import { fileURLToPath } from 'node:url';
import { InterceptingCall, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { authorizeId, openX509Source } from 'ephemos';
import { channelOptions, createChannelCredentials, peerOf } from 'ephemos/grpc';

const { host } = new URL(process.argv[2] ?? 'https://localhost:8443');
const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/orders');

function showServer(options, nextCall) {
  const call = nextCall(options);
  const onReceiveMetadata = (metadata, next) => {
    console.log(options.method_definition.path, 'answered by', String(peerOf(call).id));
    next(metadata);
  };
  return new InterceptingCall(call, { start: (metadata, _listener, next) => next(metadata, { onReceiveMetadata }) });
}

const { orders } = loadPackageDefinition(loadSync(fileURLToPath(new URL('proto/orders.proto', import.meta.url))));
const client = new orders.v1.Orders(host, createChannelCredentials({ source, authorize }), {
  ...channelOptions,
  interceptors: [showServer],
});
client.Get({ id: '7' }, (error, order) => {
  if (error !== null) throw error;
  console.log('the server knows us as', order.caller);
  client.close();
});
