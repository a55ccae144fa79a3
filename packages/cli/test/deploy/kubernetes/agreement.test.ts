import { parseGoDuration } from '@ephemos/service/config';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEFAULT_MONITORING } from '../../../src/deploy/monitoring/monitoring.ts';
import { at, files, isSelected, listAt, objectsOf, ofKind, only, pods, textAt } from './objects.ts';

const serverConfig: unknown = parse(files.get('base/config/echo-server.yaml') ?? '');
const helm: unknown = parse(files.get('helm/spire-values.yaml') ?? '');
const manager: unknown = parse(files.get('spire/controller-manager.yaml') ?? '');
const serverConf = files.get('spire/server.conf') ?? '';
const agentConf = files.get('spire/agent.conf') ?? '';
const setting = (conf: string, key: string): string => new RegExp(`\\b${key} = \\[?"?([^"\\]\\n]+)`).exec(conf)?.[1] ?? '';
const podOf = (name: string): ReturnType<typeof pods>[number] => {
  const found = pods().find(({ owner }) => owner.name === name);
  if (found === undefined) throw new Error(`no pods ${name}`);
  return found;
};
const variable = (container: unknown, name: string): unknown =>
  at(
    listAt(container, 'env').find((each) => at(each, 'name') === name),
    'value',
  );
const containers = pods().flatMap(({ owner, spec }) => listAt(spec, 'containers').map((container) => ({ owner, spec, container })));

describe('what refers to something', () => {
  const given = ['Secret spire-upstream-ca', 'Secret spire-postgres-credentials', 'Secret spire-postgres-ca', 'ConfigMap spire-bundle'];
  const generated = [...files]
    .filter(([name]) => name.endsWith('kustomization.yaml'))
    .flatMap(([, text]) => listAt(parse(text), 'configMapGenerator'))
    .map((each) => `ConfigMap ${textAt(each, 'namespace')}/${textAt(each, 'name')}`);

  it('finds ConfigMaps that are generated beside it, and Secrets that README.md says how to make', () => {
    for (const { owner, spec } of pods())
      for (const volume of listAt(spec, 'volumes')) {
        const configMap = at(volume, 'configMap', 'name');
        const secret = at(volume, 'secret', 'secretName');
        if (typeof configMap === 'string')
          expect([...generated, ...given]).toContain(
            given.includes(`ConfigMap ${configMap}`) ? `ConfigMap ${configMap}` : `ConfigMap ${owner.namespace}/${configMap}`,
          );
        if (typeof secret === 'string') {
          expect(given).toContain(`Secret ${secret}`);
          expect(files.get('README.md')).toContain(`\`${secret}\``);
        }
      }
  });

  it('names in roles nothing that is called as a ConfigMap that is generated: kustomize would put its hash there, whatever the resource', () => {
    const named = [...ofKind('Role'), ...ofKind('ClusterRole')].flatMap(({ value }) =>
      listAt(value, 'rules').flatMap((rule) => listAt(rule, 'resourceNames')),
    );
    expect(named).toEqual(['spire-bundle', textAt(manager, 'leaderElection', 'resourceName')]);
    for (const name of named) expect(generated.map((each) => each.slice(each.indexOf('/') + 1))).not.toContain(name);
  });

  it('finds its service account in its own namespace', () => {
    for (const { owner, spec } of pods()) {
      const account = textAt(spec, 'serviceAccountName');
      expect(ofKind('ServiceAccount').map(({ namespace, name }) => `${namespace}/${name}`)).toContain(`${owner.namespace}/${account}`);
    }
  });

  it('finds roles and accounts that are there', () => {
    for (const binding of [...ofKind('RoleBinding'), ...ofKind('ClusterRoleBinding')]) {
      expect(ofKind(textAt(binding.value, 'roleRef', 'kind')).map(({ name }) => name)).toContain(textAt(binding.value, 'roleRef', 'name'));
      for (const subject of listAt(binding.value, 'subjects')) {
        if (at(subject, 'kind') !== 'ServiceAccount') continue;
        expect(ofKind('ServiceAccount').map(({ namespace, name }) => `${namespace}/${name}`)).toContain(
          `${textAt(subject, 'namespace')}/${textAt(subject, 'name')}`,
        );
      }
    }
  });

  it('mounts what it has, and has what it mounts', () => {
    for (const { owner, spec } of pods()) {
      const volumes = [
        ...listAt(spec, 'volumes'),
        ...listAt(owner.value, 'spec', 'volumeClaimTemplates').map((each) => at(each, 'metadata')),
      ];
      const names = volumes.map((volume) => textAt(volume, 'name'));
      const mounted = listAt(spec, 'containers').flatMap((container) =>
        listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'name')),
      );
      expect([...new Set(mounted)].sort()).toEqual([...names].sort());
    }
  });

  it('probes a port that its container names', () => {
    for (const { container } of containers)
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        const port = at(container, probe, 'httpGet', 'port');
        if (port !== undefined) expect(listAt(container, 'ports').map((each) => at(each, 'name'))).toContain(port);
      }
  });

  it('selects pods that are there: Services, policies, budgets, monitors', () => {
    const services = ofKind('Service').map(({ value, namespace }) => ({ namespace, selector: at(value, 'spec', 'selector') }));
    const policies = ofKind('NetworkPolicy').map(({ value, namespace }) => ({
      namespace,
      selector: at(value, 'spec', 'podSelector', 'matchLabels'),
    }));
    const others = [...ofKind('PodDisruptionBudget'), ...ofKind('PodMonitor')].map(({ value, namespace }) => ({
      namespace,
      selector: at(value, 'spec', 'selector', 'matchLabels'),
    }));
    // CloudNativePG makes the pods of the database.
    const database = { 'cnpg.io/cluster': 'spire-postgres' };
    for (const { namespace, selector } of [...services, ...policies, ...others]) {
      if (selector === undefined || isSelected(selector, database)) continue;
      expect(
        pods().some(({ owner, labels }) => owner.namespace === namespace && isSelected(labels, selector)),
        JSON.stringify(selector),
      ).toBe(true);
    }
  });
});

describe('the service', () => {
  const { spec } = podOf('echo-server');
  const container = listAt(spec, 'containers')[0];

  it('is found by its monitor: labels of the Service, the name of the port, the name of the job', () => {
    const monitor = only('ServiceMonitor', 'echo-server');
    const service = only('Service', 'echo-server');
    expect(isSelected(at(service, 'metadata', 'labels'), at(monitor, 'spec', 'selector', 'matchLabels'))).toBe(true);
    expect(at(service, 'metadata', 'labels', textAt(monitor, 'spec', 'jobLabel'))).toBe(DEFAULT_MONITORING.jobs.services);
    const endpoint = listAt(monitor, 'spec', 'endpoints')[0];
    expect(listAt(service, 'spec', 'ports').map((port) => at(port, 'name'))).toContain(at(endpoint, 'port'));
    expect(at(endpoint, 'honorLabels')).toBe(true);
  });

  it('has the ports of its configuration', () => {
    const portOf = (section: string): number => Number(textAt(serverConfig, section, 'address').slice(1));
    expect(Object.fromEntries(listAt(container, 'ports').map((port) => [textAt(port, 'name'), at(port, 'containerPort')]))).toEqual({
      https: portOf('listen'),
      health: portOf('health'),
      metrics: portOf('metrics'),
    });
  });

  it('has less time to drain than its pod has to end', () => {
    const length = (key: string): number => parseGoDuration(textAt(serverConfig, 'shutdown', key)) / 1000;
    const grace = at(spec, 'terminationGracePeriodSeconds');
    expect(length('grace_period')).toBe(grace);
    expect(length('drain_delay') + length('deadline')).toBeLessThan(Number(grace));
  });

  it('has a heap below the memory limit, by a third at the least', () => {
    for (const name of ['echo-server', 'echo-client']) {
      const each = listAt(podOf(name).spec, 'containers')[0];
      const heap = Number(/^--max-old-space-size=(\d+)$/.exec(String(variable(each, 'NODE_OPTIONS')))?.[1]);
      const limit = Number(/^(\d+)Mi$/.exec(textAt(each, 'resources', 'limits', 'memory'))?.[1]);
      expect(heap).toBeLessThan((limit * 2) / 3);
      expect(at(each, 'resources', 'limits', 'cpu')).toBeUndefined();
    }
  });

  it('opens the file that the agent makes, in the directory that is mounted', () => {
    const socket = setting(agentConf, 'socket_path');
    for (const name of ['echo-server', 'echo-client']) {
      const pod = podOf(name).spec;
      const each = listAt(pod, 'containers')[0];
      const endpoint = String(variable(each, 'SPIFFE_ENDPOINT_SOCKET'));
      const mount = listAt(each, 'volumeMounts').find((one) => at(one, 'name') === 'spiffe-workload-api');
      expect(endpoint).toBe(`unix://${textAt(mount, 'mountPath')}/${socket.slice(socket.lastIndexOf('/') + 1)}`);
      const volume = listAt(pod, 'volumes').find((one) => at(one, 'name') === 'spiffe-workload-api');
      expect(at(volume, 'csi')).toEqual({ driver: textAt(ofKind('CSIDriver')[0]?.value, 'metadata', 'name'), readOnly: true });
    }
  });

  it('has no number of replicas beside its HorizontalPodAutoscaler, which goes by CPU', () => {
    const autoscaler = only('HorizontalPodAutoscaler', 'echo-server');
    expect(
      at(
        only(textAt(autoscaler, 'spec', 'scaleTargetRef', 'kind'), textAt(autoscaler, 'spec', 'scaleTargetRef', 'name')),
        'spec',
        'replicas',
      ),
    ).toBeUndefined();
    expect(listAt(autoscaler, 'spec', 'metrics').map((metric) => at(metric, 'resource', 'name'))).toEqual(['cpu']);
  });

  it('knows its callers by the identities that they get', () => {
    const ids = ofKind('ClusterSPIFFEID').map(({ value }) =>
      textAt(value, 'spec', 'spiffeIDTemplate').replace('{{ .TrustDomain }}', 'prod.acme.com'),
    );
    expect(ids).toContain(listAt(serverConfig, 'service', 'authorized_clients')[0]);
    for (const { value, name } of ofKind('ClusterSPIFFEID')) {
      expect(isSelected(podOf(name).labels, at(value, 'spec', 'podSelector', 'matchLabels'))).toBe(true);
      expect(at(value, 'spec', 'namespaceSelector', 'matchLabels', 'kubernetes.io/metadata.name')).toBe(podOf(name).owner.namespace);
      expect(at(value, 'spec', 'workloadSelectorTemplates', 0)).toBe(`k8s:sa:${textAt(podOf(name).spec, 'serviceAccountName')}`);
    }
  });
});

describe('policies', () => {
  const policies = ofKind('NetworkPolicy').map(({ value, namespace, name }) => ({ namespace, name, spec: at(value, 'spec') }));

  it.each(['echo', 'spire-server', 'spire-system'])('deny everything in %s, and let names through over UDP and TCP', (namespace) => {
    const own = policies.filter((each) => each.namespace === namespace);
    expect(own.find(({ name }) => name === 'default-deny')?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const dns = own.find(({ name }) => name === 'allow-dns')?.spec;
    expect(at(dns, 'podSelector')).toEqual({});
    expect(listAt(dns, 'egress', 0, 'ports')).toEqual([
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ]);
  });

  it('never have a list of peers that is empty, or a pod and a namespace in two elements', () => {
    for (const { spec } of policies)
      for (const rule of [...listAt(spec, 'ingress'), ...listAt(spec, 'egress')])
        for (const list of ['from', 'to']) {
          const peers = at(rule, list);
          if (peers === undefined) continue;
          expect(listAt(rule, list).length).toBeGreaterThan(0);
          for (const peer of listAt(rule, list))
            if (at(peer, 'podSelector') !== undefined) expect(at(peer, 'namespaceSelector')).toBeDefined();
        }
  });

  it('let Prometheus to every port that a monitor names', () => {
    const scraped = [
      ['echo', 'echo-server', 'metrics'],
      ['spire-server', 'spire-server', 'prom'],
      ['spire-system', 'spire-agent', 'prom'],
    ] as const;
    for (const [namespace, name, portName] of scraped) {
      const { labels, spec } = podOf(name);
      const port = at(
        listAt(spec, 'containers', 0, 'ports').find((each) => at(each, 'name') === portName),
        'containerPort',
      );
      const open = policies
        .filter((each) => each.namespace === namespace && isSelected(labels, at(each.spec, 'podSelector', 'matchLabels') ?? {}))
        .flatMap((each) => listAt(each.spec, 'ingress'))
        .filter((rule) => JSON.stringify(at(rule, 'from')).includes('"app.kubernetes.io/name":"prometheus"'))
        .flatMap((rule) => listAt(rule, 'ports').map((each) => at(each, 'port')));
      expect(open, name).toEqual([port]);
    }
  });

  it('let the client to the server, on both sides', () => {
    const of = (name: string, list: string): unknown =>
      at(policies.find((each) => each.name === name && each.namespace === 'echo')?.spec, list);
    const client = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'echo' } },
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'echo-client' } },
    };
    const server = { ...client, podSelector: { matchLabels: { 'app.kubernetes.io/name': 'echo-server' } } };
    const ports = [{ protocol: 'TCP', port: 8080 }];
    expect(at(of('echo-server', 'ingress'), 0)).toEqual({ from: [client], ports });
    expect(of('echo-client', 'egress')).toEqual([{ to: [server], ports }]);
  });
});

describe('SPIRE', () => {
  it('is of one trust domain and one cluster everywhere', () => {
    expect(setting(serverConf, 'trust_domain')).toBe('prod.acme.com');
    expect(setting(agentConf, 'trust_domain')).toBe('prod.acme.com');
    expect(textAt(manager, 'trustDomain')).toBe('prod.acme.com');
    expect(textAt(helm, 'global', 'spire', 'trustDomain')).toBe('prod.acme.com');
    expect(textAt(serverConfig, 'service', 'domain')).toBe('prod.acme.com');
    expect(setting(agentConf, 'cluster')).toBe('production');
    expect(serverConf).toContain('"production" = {');
    expect(textAt(manager, 'clusterName')).toBe('production');
    expect(textAt(helm, 'global', 'spire', 'clusterName')).toBe('production');
  });

  it('admits agents by the account that they have', () => {
    const { owner, spec } = podOf('spire-agent');
    expect(setting(serverConf, 'service_account_allow_list')).toBe(`${owner.namespace}:${textAt(spec, 'serviceAccountName')}`);
    const token = listAt(spec, 'volumes').find((volume) => at(volume, 'name') === 'token');
    expect(at(token, 'projected', 'sources', 0, 'serviceAccountToken', 'audience')).toBe(setting(serverConf, 'audience'));
    const mount = listAt(spec, 'containers', 0, 'volumeMounts').find((each) => at(each, 'name') === 'token');
    expect(setting(agentConf, 'token_path')).toBe(
      `${textAt(mount, 'mountPath')}/${textAt(token, 'projected', 'sources', 0, 'serviceAccountToken', 'path')}`,
    );
  });

  it('has mounted every path in its configurations', () => {
    for (const [name, conf] of [
      ['spire-server', serverConf],
      ['spire-agent', agentConf],
    ] as const) {
      const mounts = listAt(podOf(name).spec, 'containers', 0, 'volumeMounts').map((mount) => textAt(mount, 'mountPath'));
      // kubelet mounts the account of a pod by itself.
      const all = [...mounts, '/var/run/secrets/kubernetes.io/serviceaccount'];
      const paths = [...conf.matchAll(/(?:= "|sslrootcert=)(\/[^" ]+)/g)]
        .map(([, path]) => path ?? '')
        .filter((path) => !/^\/(live|ready)$/.test(path));
      expect(paths.length).toBeGreaterThan(4);
      for (const path of paths)
        expect(
          all.some((mount) => path === mount || path.startsWith(`${mount}/`)),
          `${name}: ${path}`,
        ).toBe(true);
    }
  });

  it('answers probes where its configuration says', () => {
    for (const [name, conf] of [
      ['spire-server', serverConf],
      ['spire-agent', agentConf],
    ] as const) {
      const container = listAt(podOf(name).spec, 'containers')[0];
      const port = (portName: string): unknown =>
        at(
          listAt(container, 'ports').find((each) => at(each, 'name') === portName),
          'containerPort',
        );
      const health = conf.slice(conf.indexOf('health_checks {'));
      expect(String(port('health'))).toBe(setting(health, 'bind_port'));
      expect(String(port('prom'))).toBe(setting(conf.slice(conf.indexOf('telemetry {')), 'port'));
      expect(at(container, 'livenessProbe', 'httpGet', 'path')).toBe(setting(health, 'live_path'));
      expect(at(container, 'readinessProbe', 'httpGet', 'path')).toBe(setting(health, 'ready_path'));
    }
  });

  it('is not restarted because its database is away: the server looks once a minute', () => {
    const { livenessProbe } =
      listAt(podOf('spire-server').spec, 'containers').map((each) => ({ livenessProbe: at(each, 'livenessProbe') }))[0] ?? {};
    expect(Number(at(livenessProbe, 'periodSeconds')) * Number(at(livenessProbe, 'failureThreshold'))).toBeGreaterThanOrEqual(600);
  });

  it('opens no more connections than the database takes', () => {
    const cluster = only('Cluster', 'spire-postgres');
    const most = Number(at(only('StatefulSet', 'spire-server'), 'spec', 'replicas')) * Number(setting(serverConf, 'max_open_conns'));
    expect(Number(at(cluster, 'spec', 'postgresql', 'parameters', 'max_connections'))).toBeGreaterThan(most);
    expect(at(helm, 'spire-server', 'dataStore', 'sql', 'maxOpenConns')).toBe(Number(setting(serverConf, 'max_open_conns')));
  });

  it('speaks with its database in verified TLS only, under the name that CloudNativePG certifies', () => {
    const cluster = only('Cluster', 'spire-postgres');
    const host = `${textAt(cluster, 'metadata', 'name')}-rw.${textAt(cluster, 'metadata', 'namespace')}.svc`;
    expect(serverConf).toContain(`host=${host} port=5432 sslmode=verify-full`);
    expect(textAt(helm, 'spire-server', 'dataStore', 'sql', 'host')).toBe(host);
    expect(listAt(cluster, 'spec', 'postgresql', 'pg_hba')).toEqual([
      'hostnossl all all all reject',
      'hostssl spire spire all scram-sha-256',
      'host all all all reject',
    ]);
    expect(at(cluster, 'spec', 'monitoring')).toBeUndefined();
    expect(at(cluster, 'spec', 'postgresql', 'shared_preload_libraries')).toBeUndefined();
  });

  it('is scraped as the jobs that its rules ask for', () => {
    for (const [name, job] of [
      ['spire-server', DEFAULT_MONITORING.jobs.servers],
      ['spire-agent', DEFAULT_MONITORING.jobs.agents],
    ] as const)
      expect(at(podOf(name).labels, textAt(only('PodMonitor', name), 'spec', 'jobLabel'))).toBe(job);
  });

  it('gives entries to what has the class of its controller manager, by Helm too', () => {
    for (const { value } of ofKind('ClusterSPIFFEID')) expect(at(value, 'spec', 'className')).toBe(textAt(manager, 'className'));
    expect(at(helm, 'spire-server', 'controllerManager', 'className')).toBe(textAt(manager, 'className'));
    expect(at(manager, 'entryIDPrefix')).toBe('production');
  });

  it('has its socket in the same place for agent, CSI driver, component and chart', () => {
    const socket = setting(agentConf, 'socket_path');
    const directory = socket.slice(0, socket.lastIndexOf('/'));
    for (const name of ['spire-agent', 'spiffe-csi-driver'])
      expect(JSON.stringify(listAt(podOf(name).spec, 'volumes'))).toContain(`"hostPath":{"path":"${directory}"`);
    for (const file of ['server', 'client']) expect(files.get(`components/hostpath-socket/${file}.yaml`)).toContain(`path: ${directory}\n`);
    expect(at(helm, 'spire-agent', 'socketPath')).toBe(socket);
    expect(at(helm, 'spiffe-csi-driver', 'agentSocketPath')).toBe(socket);
  });

  it('has by Helm the labels that policies and monitors go by, and the releases of the images here', () => {
    for (const [chart, name] of [
      ['spire-server', 'spire-server'],
      ['spire-agent', 'spire-agent'],
    ] as const) {
      expect(isSelected(at(helm, chart, 'podLabels'), at(only('PodMonitor', name), 'spec', 'selector', 'matchLabels'))).toBe(true);
      expect(textAt(podOf(name).spec, 'containers', 0, 'image')).toMatch(
        new RegExp(`:${textAt(helm, chart, 'image', 'tag').replaceAll('.', '\\.')}$`),
      );
    }
  });
});

describe('every container', () => {
  it('has an image of one version, requests, and a memory limit', () => {
    for (const { container } of containers) {
      expect(textAt(container, 'image')).toMatch(/^[a-z0-9.-]+\.[a-z]+\/.+:v?\d+\.\d+/);
      for (const resource of ['cpu', 'memory']) expect(textAt(container, 'resources', 'requests', resource)).not.toBe('');
      expect(textAt(container, 'resources', 'limits', 'memory')).not.toBe('');
    }
  });

  it('is restricted where its namespace says so, and privileged in the CSI driver alone', () => {
    for (const { owner, spec, container } of containers) {
      expect(at(container, 'securityContext', 'readOnlyRootFilesystem')).toBe(true);
      const isDriver = at(container, 'name') === 'spiffe-csi-driver';
      expect(at(container, 'securityContext', 'privileged')).toBe(isDriver ? true : undefined);
      if (!isDriver) {
        expect(at(container, 'securityContext', 'allowPrivilegeEscalation')).toBe(false);
        expect(at(container, 'securityContext', 'capabilities')).toEqual({ drop: ['ALL'] });
      }
      if (owner.namespace === 'spire-system') continue;
      expect(at(spec, 'securityContext', 'runAsNonRoot')).toBe(true);
      expect(at(spec, 'securityContext', 'seccompProfile')).toEqual({ type: 'RuntimeDefault' });
      expect(at(spec, 'hostPID')).toBeUndefined();
      expect(JSON.stringify(at(spec, 'volumes'))).not.toContain('hostPath');
      expect(only('Namespace', owner.namespace ?? '')).toHaveProperty(
        ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'],
        'restricted',
      );
    }
  });

  it('has a token of the API server only where something asks it', () => {
    const asking = pods()
      .filter(({ spec }) => at(spec, 'automountServiceAccountToken') !== false)
      .map(({ owner }) => owner.name);
    expect(asking.sort()).toEqual(['spire-agent', 'spire-server']);
  });

  it('tolerates no taint', () => {
    for (const { spec } of pods()) expect(listAt(spec, 'tolerations')).toEqual([]);
  });
});

describe('rights', () => {
  it('are what is needed: no wildcard, no secrets, no nodes/proxy', () => {
    for (const { value } of [...ofKind('Role'), ...ofKind('ClusterRole')])
      for (const rule of listAt(value, 'rules')) {
        const all = [...listAt(rule, 'apiGroups'), ...listAt(rule, 'resources'), ...listAt(rule, 'verbs')];
        expect(all).not.toContain('*');
        expect(all).not.toContain('secrets');
        expect(all).not.toContain('nodes/proxy');
        expect(all).not.toContain('escalate');
      }
  });

  it('let deployers apply every kind of the service that is not for who administers the cluster', () => {
    const resources = listAt(only('Role', 'echo-deployers'), 'rules').flatMap((rule) =>
      listAt(rule, 'verbs').includes('patch') ? listAt(rule, 'resources').map(String) : [],
    );
    const needed = objectsOf(files)
      .filter(({ file, value }) => !file.startsWith('spire/') && at(value, 'metadata', 'labels', 'app.kubernetes.io/component') !== 'admin')
      .map(({ kind }) => `${kind.toLowerCase().replace(/y$/, 'ie')}s`)
      .filter((name) => name !== 'namespaces');
    expect([...new Set(needed)].filter((name) => !resources.includes(name))).toEqual([]);
    expect(resources).not.toContain('namespaces');
    expect(resources).not.toContain('clusterspiffeids');
  });
});
