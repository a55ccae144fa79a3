// Keys and plugins that SPIRE once had or never had, and that people still write, with what to write instead.

/** By the last part of its path: what to do. */
export const RETIRED_KEYS: ReadonlyMap<string, string> = new Map([
  ['cache_reloaded_svids', 'SPIRE never had it: the size of the cache is agent.x509_svid_cache_max_size'],
  ['default_svid_ttl', 'it ended with SPIRE 1.6: write default_x509_svid_ttl, and default_jwt_svid_ttl'],
  ['enable_sds', 'remove it: SDS is always served'],
  ['registration_uds_path', 'it ended with SPIRE 1.0: write socket_path'],
  ['service_account_whitelist', 'it ended with SPIRE 1.0: write service_account_allow_list'],
  ['svid_prefix', 'the documentation of SPIRE 1.15 calls it so, and the plugin reads spiffe_prefix'],
  ['svid_ttl', 'it ended with SPIRE 0.8: write default_x509_svid_ttl'],
  ['upstream_bundle', 'remove it: the bundle always holds the upstream authorities'],
]);

/** By its type and name: what to do. */
export const RETIRED_PLUGINS: ReadonlyMap<string, string> = new Map([
  ['NodeAttestor.k8s_sat', 'it ended with SPIRE 1.12: use k8s_psat, with a projected token'],
  ['NodeResolver', 'it ended with SPIRE 1.0: remove it'],
  ['UpstreamCA', 'it ended with SPIRE 1.0: write UpstreamAuthority'],
]);
