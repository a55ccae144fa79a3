// A unary gRPC method whose messages are text: what is measured is the transport.
const serialize = ({ message }) => Buffer.from(message);
const deserialize = (bytes) => ({ message: bytes.toString() });

export const echoDefinition = {
  echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  },
};
