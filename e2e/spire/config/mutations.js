// Slips that people make in a configuration of SPIRE. SPIRE's own `validate` accepts most of them, and SPIRE runs without what they were meant to say.

/**
 * @typedef {object} Mutation
 * @property {string} variant
 * @property {string} file
 * @property {string} from what stands there
 * @property {string} to what somebody makes of it
 * @property {string} key the key that SPIRE does not read then
 */

/** @type {readonly Mutation[]} */
export const mutations = [
  // The one in the guide.
  {
    variant: 'host',
    file: 'agent.conf',
    from: 'agent {',
    to: 'agent {\n  experimental {\n    cache_reloaded_svids = true\n  }',
    key: 'cache_reloaded_svids',
  },
  {
    variant: 'host',
    file: 'server.conf',
    from: 'server {',
    to: 'server {\n  experimental {\n    event_based_cache = true\n  }',
    key: 'event_based_cache',
  },
  // SPIRE does not look for keys in quotes.
  { variant: 'host', file: 'server.conf', from: 'audit_log_enabled', to: '"audit_log_enable"', key: 'audit_log_enable' },
  { variant: 'host', file: 'agent.conf', from: 'rebootstrap_mode', to: '"rebootstrap"', key: 'rebootstrap' },
  // Nor for most of those of plugins.
  { variant: 'host', file: 'server.conf', from: 'agent_path_template', to: 'path_template', key: 'path_template' },
  {
    variant: 'host',
    file: 'server.conf',
    from: 'ca_bundle_path =',
    to: 'svid_prefix = "/exchange"\n      ca_bundle_path =',
    key: 'svid_prefix',
  },
  { variant: 'host', file: 'server.conf', from: 'bundle_file_path', to: 'bundle_path', key: 'bundle_path' },
  { variant: 'host-ha', file: 'server.conf', from: 'max_open_conns', to: 'max_open_connections', key: 'max_open_connections' },
  { variant: 'host-ha', file: 'server.conf', from: 'conn_max_lifetime', to: 'max_conn_lifetime', key: 'max_conn_lifetime' },
  { variant: 'host', file: 'agent.conf', from: 'discover_workload_path', to: 'discover_path', key: 'discover_path' },
  {
    variant: 'host',
    file: 'agent.conf',
    from: 'WorkloadAttestor "unix" {\n    plugin_data',
    to: 'WorkloadAttestor "unix" {\n    plugin_config',
    key: 'plugin_config',
  },
  { variant: 'kubernetes', file: 'server.conf', from: 'audience =', to: 'audiences =', key: 'audiences' },
  { variant: 'kubernetes', file: 'agent.conf', from: 'token_path', to: 'token_file', key: 'token_file' },
  // Nor for those of telemetry.
  {
    variant: 'host',
    file: 'server.conf',
    from: 'telemetry {',
    to: 'telemetry {\n  enable_trust_domain_label = true',
    key: 'enable_trust_domain_label',
  },
  // These it refuses itself.
  { variant: 'host', file: 'server.conf', from: 'default_x509_svid_ttl', to: 'default_svid_ttl', key: 'default_svid_ttl' },
  { variant: 'host', file: 'server.conf', from: 'ca_subject {', to: 'ca_subject {\n    organisation = ["Acme"]', key: 'organisation' },
  { variant: 'host', file: 'agent.conf', from: 'listener_enabled', to: 'enabled', key: 'enabled' },
  { variant: 'kubernetes', file: 'agent.conf', from: 'node_name_env', to: 'node_name_variable', key: 'node_name_variable' },
];
