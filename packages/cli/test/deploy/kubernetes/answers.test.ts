import { describe, expect, it } from 'vitest';
import { answerNames } from '../../../src/deploy/kubernetes/answers.ts';
import { kubernetesTarget } from '../../../src/deploy/kubernetes/target.ts';
import { sample } from './objects.ts';

describe('the answers for a cluster', () => {
  it('are kept whole, with the defaults of those that were left out', () => {
    const { answers } = kubernetesTarget.make(sample);
    expect(Object.keys(answers)).toEqual([...answerNames]);
    expect(answers).toEqual({ ...sample, cluster: 'production', sources: '10.0.0.0/8' });
    expect(kubernetesTarget.make(answers)).toEqual(kubernetesTarget.make(sample));
  });

  it('include the image, which nobody else knows', () => {
    expect(() => kubernetesTarget.make({ service: 'echo' })).toThrow('the image of the service is missing');
  });

  it.each([
    ['echo-server:v1.0.0', 'is no image with its registry'],
    ['acme/echo:1.0.0', 'is no image with its registry'],
    ['registry.acme.com/echo', 'names no version'],
    ['registry.acme.com:5000/echo', 'names no version'],
    ['registry.acme.com/echo:latest', 'names no version'],
    ['registry.acme.com/echo:1.0.0\nkind: Pod', 'is no image with its registry'],
  ])('refuse the image %j', (image, message) => {
    expect(() => kubernetesTarget.make({ ...sample, image })).toThrow(message);
  });

  it.each(['registry.acme.com:5000/team/echo:1.0.0', `ghcr.io/acme/echo@sha256:${'0'.repeat(64)}`, 'localhost:5000/echo:1.0.0-rc.1'])(
    'take the image %j',
    (image) => {
      const text = kubernetesTarget.make({ ...sample, image }).files.get('base/server.yaml') ?? '';
      expect(text).toContain(image);
    },
  );

  it.each([
    [{ cluster: 'Production Cluster' }, 'is no name of a cluster'],
    [{ sources: '10.0.0.0/8, nowhere' }, '"nowhere" is no network'],
    [{ sources: '10.0.0.0/33' }, 'is no network'],
    [{ sources: '0.0.0.0/0' }, 'is everybody'],
    [{ sources: '10.0.0.0/8,::/0' }, 'is everybody'],
    [{ service: 'Echo' }, 'is no name of a service'],
    [{ replicas: '3' }, 'this target does not ask for "replicas"'],
  ])('refuse %j', (given, message) => {
    expect(() => kubernetesTarget.make({ ...sample, ...given })).toThrow(message);
  });

  it('put every network of agents from outside into both the balancer and its policy', () => {
    const text = kubernetesTarget
      .make({ ...sample, sources: '10.1.0.0/16, fd00::/8' })
      .files.get('spire/components/internal-load-balancer/balancer.yaml');
    expect(text).toContain('loadBalancerSourceRanges: ["10.1.0.0/16", "fd00::/8"]');
    expect(text).toContain('cidr: "10.1.0.0/16"');
    expect(text).toContain('cidr: "fd00::/8"');
  });
});
