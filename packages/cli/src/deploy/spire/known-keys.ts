// Every key that SPIRE reads, as its Go sources say: written by `node e2e/spire/config/known-keys.js`.
// One section a line, `section: key key`: `[]` after a section that may stand there more than once, `*` for a key that may be anything.

/** The release that the tables are of. */
export const SPIRE_VERSION = '1.15.2';

/** The keys of a plugin itself, above its own configuration in plugin_data. */
export const PLUGIN_KEYS = 'enabled plugin_args plugin_checksum plugin_cmd plugin_data plugin_data_file';

/** The keys of spire-server. */
export const SERVER_KEYS = `
: health_checks plugins server telemetry
health_checks: bind_address bind_port listener_enabled live_path ready_path
plugins: BundlePublisher CredentialComposer DataStore KeyManager NodeAttestor Notifier UpstreamAuthority
plugins.BundlePublisher: aws_rolesanywhere_trustanchor aws_s3 gcp_cloudstorage k8s_configmap
plugins.BundlePublisher.aws_rolesanywhere_trustanchor: access_key_id region secret_access_key trust_anchor_id
plugins.BundlePublisher.aws_s3: access_key_id bucket endpoint format object_key refresh_hint region secret_access_key
plugins.BundlePublisher.gcp_cloudstorage: bucket_name format object_name refresh_hint service_account_file
plugins.BundlePublisher.k8s_configmap: clusters
plugins.BundlePublisher.k8s_configmap.clusters: *
plugins.BundlePublisher.k8s_configmap.clusters.*: configmap_key configmap_name format kubeconfig_path namespace refresh_hint
plugins.CredentialComposer: uniqueid
plugins.CredentialComposer.uniqueid:
plugins.DataStore: sql
plugins.DataStore.sql: client_cert_path client_key_path conn_max_lifetime connection_string database_type disable_migration
  log_sql max_idle_conns max_open_conns ro_connection_string root_ca_path
plugins.DataStore.sql.database_type: aws_mysql aws_postgres
plugins.DataStore.sql.database_type.aws_mysql: access_key_id region secret_access_key
plugins.DataStore.sql.database_type.aws_postgres: access_key_id region secret_access_key
plugins.KeyManager: aws_kms azure_key_vault disk gcp_kms hashicorp_vault memory
plugins.KeyManager.aws_kms: access_key_id enable_tag_based_key_discovery key_identifier_file key_identifier_value key_policy_file
  key_tags region secret_access_key
plugins.KeyManager.azure_key_vault: app_id app_secret key_identifier_file key_identifier_value key_vault_uri subscription_id
  tenant_id
plugins.KeyManager.disk: keys_path
plugins.KeyManager.gcp_kms: key_identifier_file key_identifier_value key_policy_file key_ring service_account_file
plugins.KeyManager.hashicorp_vault: approle_auth ca_cert_path cert_auth insecure_skip_verify k8s_auth key_identifier_file
  key_identifier_value namespace token_auth transit_engine_path vault_addr
plugins.KeyManager.hashicorp_vault.approle_auth: approle_auth_mount_point approle_id approle_secret_id
plugins.KeyManager.hashicorp_vault.cert_auth: cert_auth_mount_point cert_auth_role_name client_cert_path client_key_path
plugins.KeyManager.hashicorp_vault.k8s_auth: k8s_auth_mount_point k8s_auth_role_name token_path
plugins.KeyManager.hashicorp_vault.token_auth: token
plugins.KeyManager.memory:
plugins.NodeAttestor: aws_iid azure_imds azure_msi gcp_iit http_challenge join_token k8s_psat sshpop tpm_devid x509pop
plugins.NodeAttestor.aws_iid: access_key_id account_ids_for_local_validation agent_path_template assume_role
  disable_instance_profile_selectors partition secret_access_key skip_block_device validate_eks_cluster_membership
  verify_organization
plugins.NodeAttestor.aws_iid.validate_eks_cluster_membership: eks_cluster_names
plugins.NodeAttestor.aws_iid.verify_organization: assume_org_role management_account_id management_account_region
  org_account_map_ttl
plugins.NodeAttestor.azure_imds: agent_path_template allowed_metadata_domains tenants
plugins.NodeAttestor.azure_imds.tenants: *
plugins.NodeAttestor.azure_imds.tenants.*: allowed_vm_tags auth_type restrict_to_subscriptions secret_auth token_auth
plugins.NodeAttestor.azure_imds.tenants.*.secret_auth: app_id app_secret
plugins.NodeAttestor.azure_imds.tenants.*.token_auth: app_id token_path
plugins.NodeAttestor.azure_msi: agent_path_template tenants
plugins.NodeAttestor.azure_msi.tenants: *
plugins.NodeAttestor.azure_msi.tenants.*: app_id app_secret resource_id subscription_id
plugins.NodeAttestor.gcp_iit: agent_path_template allowed_label_keys allowed_metadata_keys max_metadata_value_size
  projectid_allow_list service_account_file use_instance_metadata
plugins.NodeAttestor.http_challenge: allow_non_root_ports allowed_dns_patterns required_port tofu
plugins.NodeAttestor.join_token:
plugins.NodeAttestor.k8s_psat: clusters
plugins.NodeAttestor.k8s_psat.clusters: *
plugins.NodeAttestor.k8s_psat.clusters.*: allowed_node_label_keys allowed_pod_label_keys audience kube_config_file
  service_account_allow_list
plugins.NodeAttestor.sshpop: agent_path_template canonical_domain cert_authorities cert_authorities_path
plugins.NodeAttestor.tpm_devid: devid_ca_path endorsement_ca_path
plugins.NodeAttestor.x509pop: agent_path_template ca_bundle_path ca_bundle_paths max_intermediates max_rsa_key_size mode
  spiffe_prefix verify_client_ip
plugins.Notifier: gcs_bundle k8sbundle
plugins.Notifier.gcs_bundle: bucket object_path service_account_file
plugins.Notifier.k8sbundle: api_service_label clusters config_map config_map_key kube_config_file_path namespace webhook_label
plugins.Notifier.k8sbundle.clusters[]: api_service_label config_map config_map_key kube_config_file_path namespace webhook_label
plugins.UpstreamAuthority: aws_pca awssecret cert-manager disk ejbca gcp_cas spire vault
plugins.UpstreamAuthority.aws_pca: assume_role_arn ca_signing_template_arn certificate_authority_arn endpoint region
  signing_algorithm supplemental_bundle_path
plugins.UpstreamAuthority.awssecret: access_key_id assume_role_arn bundle_file_arn cert_file_arn key_file_arn region
  secret_access_key secret_token
plugins.UpstreamAuthority.cert-manager: issuer_group issuer_kind issuer_name kube_config_file namespace
plugins.UpstreamAuthority.disk: bundle_file_path cert_file_path key_file_path
plugins.UpstreamAuthority.ejbca: account_binding_id ca_cert_path ca_name certificate_profile_name client_cert_key_path
  client_cert_path end_entity_name end_entity_profile_name hostname
plugins.UpstreamAuthority.gcp_cas: root_cert_spec
plugins.UpstreamAuthority.gcp_cas.root_cert_spec: ca_pool label_key label_value project_name region_name
plugins.UpstreamAuthority.spire: experimental server_address server_port workload_api_socket
plugins.UpstreamAuthority.spire.experimental: require_pq_kem workload_api_named_pipe_name
plugins.UpstreamAuthority.vault: approle_auth ca_cert_path cert_auth insecure_skip_verify k8s_auth namespace pki_mount_point
  token_auth vault_addr
plugins.UpstreamAuthority.vault.approle_auth: approle_auth_mount_point approle_id approle_secret_id
plugins.UpstreamAuthority.vault.cert_auth: cert_auth_mount_point cert_auth_role_name client_cert_path client_key_path
plugins.UpstreamAuthority.vault.k8s_auth: k8s_auth_mount_point k8s_auth_role_name token_path
plugins.UpstreamAuthority.vault.token_auth: token
server: admin_ids agent_ttl audit_log_enabled bind_address bind_port ca_key_type ca_subject ca_ttl data_dir default_jwt_svid_ttl
  default_x509_svid_ttl disable_jwt_svids experimental federation jwt_issuer jwt_key_type log_file log_format log_level
  log_source_location max_attested_node_info_staleness profiling_enabled profiling_freq profiling_names profiling_port
  proxy_protocol_trusted_cidrs prune_attested_nodes_batch_size prune_attested_nodes_expired_for prune_tofu_nodes ratelimit
  socket_path trust_domain
server.ca_subject: common_name country organization
server.experimental: agent_spiffe_id_as_selector auth_opa_policy_engine cache_reload_interval event_timeout events_based_cache
  feature_flags full_cache_reload_interval named_pipe_name prune_events_older_than require_pq_kem sql_transaction_timeout
  wit_issuer wit_key_type
server.experimental.auth_opa_policy_engine: local
server.experimental.auth_opa_policy_engine.local: policy_data_path rego_path
server.federation: bundle_endpoint federates_with
server.federation.bundle_endpoint: acme address port profile refresh_hint
server.federation.bundle_endpoint.acme: directory_url domain_name email tos_accepted
server.federation.bundle_endpoint.profile: https_spiffe https_web
server.federation.bundle_endpoint.profile.https_spiffe:
server.federation.bundle_endpoint.profile.https_web: acme serving_cert_file
server.federation.bundle_endpoint.profile.https_web.acme: directory_url domain_name email tos_accepted
server.federation.bundle_endpoint.profile.https_web.serving_cert_file: cert_file_path file_sync_interval key_file_path
server.federation.federates_with: *
server.federation.federates_with.*: bundle_endpoint_profile bundle_endpoint_url
server.federation.federates_with.*.bundle_endpoint_profile: https_spiffe https_web
server.federation.federates_with.*.bundle_endpoint_profile.https_spiffe: endpoint_spiffe_id
server.federation.federates_with.*.bundle_endpoint_profile.https_web:
server.ratelimit: attestation signing
telemetry: AllowedLabels AllowedPrefixes BlockedLabels BlockedPrefixes DogStatsd EnableHostnameLabel EnableTrustDomainLabel InMem
  M3 MetricPrefix Prometheus Statsd
telemetry.DogStatsd[]: address
telemetry.InMem:
telemetry.M3[]: address env
telemetry.Prometheus: host port tls
telemetry.Prometheus.tls: authorized_spiffe_ids cert_file client_ca_file key_file use_spire_svid
telemetry.Statsd[]: address
`;

/** The keys of spire-agent. */
export const AGENT_KEYS = `
: agent health_checks plugins telemetry
agent: admin_socket_path allow_unauthenticated_verifiers allowed_foreign_jwt_claims authorized_delegates availability_target
  data_dir experimental insecure_bootstrap join_token join_token_file jwt_svid_cache_max_size log_file log_format log_level
  log_selectors log_source_location profiling_enabled profiling_freq profiling_names profiling_port rebootstrap_delay
  rebootstrap_mode sds server_address server_port socket_path trust_bundle_format trust_bundle_path trust_bundle_unix_socket
  trust_bundle_url trust_domain workload_x509_svid_key_type x509_svid_cache_max_size
agent.experimental: admin_named_pipe_name broker feature_flags jwt_svid_cache_hit_timeout named_pipe_name ratelimit require_pq_kem
  sync_interval use_sync_authorized_entries
agent.experimental.broker: bind_address brokers socket_path
agent.experimental.broker.brokers[]: allowed_reference_types id
agent.experimental.broker.brokers[].allowed_reference_types[]: allow_over_tcp type_url
agent.experimental.ratelimit: fetch_jwt_bundles fetch_jwt_svid fetch_secrets fetch_x509_bundles fetch_x509_svid stream_secrets
agent.sds: default_all_bundles_name default_bundle_name default_svid_name disable_spiffe_cert_validation
health_checks: bind_address bind_port listener_enabled live_path ready_path
plugins: KeyManager NodeAttestor SVIDStore WorkloadAttestor
plugins.KeyManager: disk memory
plugins.KeyManager.disk: directory
plugins.KeyManager.memory:
plugins.NodeAttestor: aws_iid azure_imds azure_msi gcp_iit http_challenge join_token k8s_psat sshpop tpm_devid x509pop
plugins.NodeAttestor.aws_iid: ec2_metadata_endpoint
plugins.NodeAttestor.azure_imds: tenant_domain
plugins.NodeAttestor.azure_msi: resource_id
plugins.NodeAttestor.gcp_iit: identity_token_host service_account
plugins.NodeAttestor.http_challenge: advertised_port agentname hostname port
plugins.NodeAttestor.join_token:
plugins.NodeAttestor.k8s_psat: cluster token_path
plugins.NodeAttestor.sshpop: host_cert_path host_key_path
plugins.NodeAttestor.tpm_devid: devid_cert_path devid_password devid_priv_path devid_pub_path endorsement_hierarchy_password
  owner_hierarchy_password tpm_device_path
plugins.NodeAttestor.x509pop: certificate_path intermediates_path private_key_path spiffe_endpoint_socket
plugins.SVIDStore: aws_secretsmanager gcp_secretmanager
plugins.SVIDStore.aws_secretsmanager: access_key_id region secret_access_key
plugins.SVIDStore.gcp_secretmanager: service_account_file
plugins.WorkloadAttestor: docker k8s systemd unix windows
plugins.WorkloadAttestor.docker: container_id_cgroup_matchers docker_socket_path docker_version podman_socket_path
  podman_socket_path_template sigstore use_new_container_locator verbose_container_locator_logs
plugins.WorkloadAttestor.docker.sigstore: allowed_identities ignore_attestations ignore_sct ignore_tlog registry_credentials
  rekor_url skipped_images
plugins.WorkloadAttestor.docker.sigstore.registry_credentials: *
plugins.WorkloadAttestor.docker.sigstore.registry_credentials.*: password username
plugins.WorkloadAttestor.k8s: certificate_path disable_container_selectors experimental kubelet_ca_path kubelet_read_only_port
  kubelet_secure_port max_poll_attempts node_name node_name_env poll_retry_interval private_key_path reload_interval sigstore
  skip_kubelet_verification token_path use_anonymous_authentication use_new_container_locator verbose_container_locator_logs
plugins.WorkloadAttestor.k8s.experimental: api_server broker
plugins.WorkloadAttestor.k8s.experimental.api_server: cache
plugins.WorkloadAttestor.k8s.experimental.api_server.cache: enabled
plugins.WorkloadAttestor.k8s.experimental.broker: access_policy brokers
plugins.WorkloadAttestor.k8s.experimental.broker.brokers[]: id pod_reference_scope
plugins.WorkloadAttestor.k8s.sigstore: allowed_identities ignore_attestations ignore_sct ignore_tlog registry_credentials
  rekor_url skipped_images
plugins.WorkloadAttestor.k8s.sigstore.registry_credentials: *
plugins.WorkloadAttestor.k8s.sigstore.registry_credentials.*: password username
plugins.WorkloadAttestor.systemd:
plugins.WorkloadAttestor.unix: discover_workload_path workload_size_limit
plugins.WorkloadAttestor.windows:
telemetry: AllowedLabels AllowedPrefixes BlockedLabels BlockedPrefixes DogStatsd EnableHostnameLabel EnableTrustDomainLabel InMem
  M3 MetricPrefix Prometheus Statsd
telemetry.DogStatsd[]: address
telemetry.InMem:
telemetry.M3[]: address env
telemetry.Prometheus: host port tls
telemetry.Prometheus.tls: authorized_spiffe_ids cert_file client_ca_file key_file use_spire_svid
telemetry.Statsd[]: address
`;
