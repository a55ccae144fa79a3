// What a deployment of SPIRE is, said once: from it come server.conf, agent.conf and what stands around them, which therefore cannot contradict each
// other. A file spire.yaml holds it with these names.

/** A deployment of SPIRE: its servers, and the agents that join them. */
export interface Spire {
  /** The trust domain. */
  readonly domain: string;
  readonly subject: Subject;
  readonly lives: Lives;
  readonly logs: Logs;
  /** One, or several on one database. */
  readonly servers: readonly [SpireServer, ...SpireServer[]];
  /** In front of the servers. */
  readonly balancer?: Balancer | undefined;
  /** Who signs the authorities of the servers. Without it each server signs its own, and agents have to be told of it. */
  readonly upstream?: Upstream | undefined;
  readonly store: Store;
  readonly keys: ServerKeys;
  readonly nodes: Nodes;
  readonly bundle: Bundle;
  readonly agent: Agent;
}

/** The name of the authorities that the servers make. */
export interface Subject {
  readonly country: readonly string[];
  readonly organization: readonly string[];
  readonly name: string;
}

/** How long what is signed is good for, each as Go writes durations. */
export interface Lives {
  /** The signing authority of a server; it is renewed after half of it. */
  readonly authority: string;
  readonly x509: string;
  readonly jwt: string;
  /** The SVIDs of agents: how long a server may be away before agents have to be attested again. */
  readonly agent: string;
}

/** What is logged, by servers and agents. */
export interface Logs {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'json' | 'text';
}

/** Where a plaintext port is. */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

/** A server, or several that are the same, such as the pods of a StatefulSet. */
export interface SpireServer {
  readonly name: string;
  /** How others reach it. */
  readonly host: string;
  readonly replicas: number;
  /** Where it listens for agents. */
  readonly address: string;
  readonly port: number;
  readonly health: Listener;
  readonly metrics: Listener;
  /** The socket of its API, for whoever administers it. */
  readonly socket: string;
  /** The directory of its keys and journals. */
  readonly data: string;
}

/** HAProxy, passing TLS on without reading it. */
export interface Balancer {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly metrics: Listener;
  /** The networks that it comes from, as CIDRs: only they may say for whom they speak. */
  readonly sources: readonly string[];
  /** Whom it becomes once it has its ports. */
  readonly user: string;
  readonly group: string;
}

/** An authority on disk, itself signed by one that is kept offline. */
export interface Upstream {
  readonly certificate: string;
  readonly key: string;
  /** The offline authorities; they are the trust bundle. */
  readonly roots: string;
}

/** Where the servers keep entries and agents. */
export type Store = { readonly kind: 'sqlite' } | PostgresStore;

/** A database that several servers share. */
export interface PostgresStore {
  readonly kind: 'postgres';
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** The environment variable that holds the password of the user. */
  readonly variable: string;
  /** The authorities of the database's certificate, which has to name its host. */
  readonly roots: string;
  /** Connections that one server opens at most. */
  readonly connections: number;
  /** Connections that the database takes (max_connections). */
  readonly limit: number;
  /** The networks that the servers come from, as CIDRs, for pg_hba.conf. */
  readonly sources: readonly string[];
}

/** Where the servers keep the keys that they sign with. */
export type ServerKeys =
  | { readonly kind: 'disk' }
  | { readonly kind: 'aws_kms'; readonly region: string; readonly policy?: string | undefined }
  | { readonly kind: 'gcp_kms'; readonly ring: string; readonly policy?: string | undefined }
  | { readonly kind: 'azure_key_vault'; readonly vault: string };

/** How an agent proves which machine it is on. */
export type Nodes = X509Nodes | KubernetesNodes;

/** By a certificate that the machine was given. */
export interface X509Nodes {
  readonly kind: 'x509pop';
  /** On the servers: who signs the certificates of machines. */
  readonly authority: string;
  /** On the machine. */
  readonly certificate: string;
  readonly key: string;
}

/** By a token that Kubernetes gives the pod of the agent. */
export interface KubernetesNodes {
  readonly kind: 'k8s_psat';
  readonly cluster: string;
  readonly namespace: string;
  /** The service account of the agent. */
  readonly account: string;
  readonly audience: string;
  /** Where the token is mounted. */
  readonly token: string;
}

/** How an agent knows the servers when it first meets them. */
export type Bundle = { readonly kind: 'file'; readonly path: string } | BundleConfigMap;

/** A ConfigMap that the servers keep up to date. */
export interface BundleConfigMap {
  readonly kind: 'configmap';
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  /** Where agents have it mounted. */
  readonly directory: string;
}

/** What tells workloads apart. */
export type WorkloadAttestor = 'unix' | 'systemd' | 'docker' | 'k8s';

/** The agent, the same on each machine. */
export interface Agent {
  /** The socket of the Workload API. */
  readonly socket: string;
  /** The socket of its debug API, in a directory that workloads do not have. */
  readonly admin: string;
  readonly data: string;
  readonly keys: 'disk' | 'memory';
  readonly health: Listener;
  readonly metrics: Listener;
  readonly workloads: readonly [WorkloadAttestor, ...WorkloadAttestor[]];
  /** Whether `unix` tells the program that a workload runs, too (unix:path). */
  readonly paths: boolean;
  /** X.509-SVIDs that are kept ready; above it those that nobody uses are dropped. */
  readonly cache: number;
}
