import { fromBinary } from '@bufbuild/protobuf';
import { openDevAgent } from '@ephemos/dev';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { type X509SVIDResponse, X509SVIDResponseSchema } from 'ephemos/workload-api';
import { describe, expect, it } from 'vitest';
import { verifiesWithOpenSsl } from './certificates.ts';

const web = 'spiffe://example.org/web';

describe('another gRPC implementation', () => {
  it('reads updates, trailers and refusals of the agent', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const client = new Client(await agent.endpointFor(web), credentials.createInsecure());
    const updates: X509SVIDResponse[] = [];
    const ended = new Promise<number>((resolve) => {
      const metadata = new Metadata();
      metadata.set('workload.spiffe.io', 'true');
      const stream = client.makeServerStreamRequest(
        '/SpiffeWorkloadAPI/FetchX509SVID',
        () => Buffer.alloc(0),
        (bytes) => fromBinary(X509SVIDResponseSchema, bytes),
        null,
        metadata,
      );
      stream.on('data', (update: X509SVIDResponse) => {
        updates.push(update);
        if (updates.length === 1) void agent.rotate();
        else void agent.remove(web);
      });
      stream.on('error', () => undefined);
      stream.on('status', ({ code }) => resolve(code));
    });
    expect(await ended).toBe(status.PERMISSION_DENIED);
    expect(updates).toHaveLength(2);
    expect(updates.every(({ svids: [svid] }) => svid !== undefined && verifiesWithOpenSsl(svid))).toBe(true);
    client.close();
  });

  it.each([
    ['/SpiffeWorkloadAPI/FetchJWTSVID', true, status.UNIMPLEMENTED, 'this agent offers the X.509 profile only'],
    ['/SpiffeWorkloadAPI/FetchX509SVID', false, status.INVALID_ARGUMENT, 'security header missing from request'],
  ])('is told why %s is refused (security header: %s)', async (path, safe, code, details) => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const client = new Client(await agent.endpointFor(web), credentials.createInsecure());
    const metadata = new Metadata();
    if (safe) metadata.set('workload.spiffe.io', 'true');
    const refusal = await new Promise((resolve) => {
      const stream = client.makeServerStreamRequest(
        path,
        () => Buffer.alloc(0),
        (bytes) => bytes,
        null,
        metadata,
      );
      stream.on('error', resolve);
      stream.resume();
    });
    expect(refusal).toMatchObject({ code, details });
    client.close();
  });
});
