//! Names of options, and what somebody may have meant who wrote another.

use super::options::OPTIONS;

/// Options of the reference node that mean nothing here. A configuration made for it may have them:
/// they are kept and shown. Source: spec 21, section 8.
const ELSEWHERE: &[&str] = &[
    "access_remote_cache_for_client",
    "allow_infinite",
    "ans104_trust_gql",
    "async_cache",
    "auth_hook_commit_key",
    "authority",
    "bundler_ans104",
    "bundler_httpsig",
    "cache_control",
    "cache_lookup_hueristics",
    "client_error_strategy",
    "commitment_device",
    "compute_mode",
    "cookie_default_generator",
    "error_strategy",
    "faff_allow_list",
    "gateway",
    "hb_config_location",
    "hook_auth_ignored_keys",
    "hook_secret_provider",
    "host_bootstrap_node",
    "http_client",
    "http_connect_timeout",
    "http_extra_opts",
    "http_keepalive",
    "http_monitor",
    "http_only_result",
    "http_reference",
    "http_request_send_timeout",
    "identities",
    "load_remote_devices",
    "local_names",
    "lua_scripts",
    "lua_tests",
    "p4_non_chargable_routes",
    "p4_recipient",
    "port_external",
    "preloaded_devices",
    "process_async_cache",
    "process_worker_max_idle",
    "process_workers",
    "profiling",
    "prometheus",
    "protocol",
    "query_arweave_scope",
    "query_timeout",
    "relay_http_client",
    "route_owners",
    "router_opts",
    "router_preprocess_default",
    "scheduler",
    "scheduler_async_remote_cache",
    "scheduler_follow_hints",
    "scheduler_follow_redirects",
    "scheduler_ignore_local_cache",
    "scheduler_in_memory_cache",
    "scheduler_location_notify_peers",
    "scheduler_location_ttl",
    "scheduler_lookahead",
    "short_trace_len",
    "simple_pay_ledger",
    "simple_pay_price",
    "snp_enforced_keys",
    "snp_trusted",
    "spawn_worker",
    "stack_print_prefixes",
    "static_worker",
    "store",
    "store_defaults",
    "store_scope_resolved",
    "trusted",
    "trusted_device_signers",
    "trusted_nodes",
    "wallet_admin",
    "wasm_allow_aot",
    "worker_timeout",
];

/// Families of such options.
const ELSEWHERE_PREFIXES: &[&str] =
    &["debug_", "genesis_wasm_", "green_zone_", "priv_", "profiler_", "volume_"];

/// The name as options are written: small letters, `_` for `-`.
pub(super) fn canonical(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace('-', "_")
}

/// Whether this is the canonical name of an option that only the reference node has.
pub(super) fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.binary_search(&name).is_ok()
        || ELSEWHERE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The option whose name is written most like this canonical one, if one is written much like it.
pub(super) fn suggestion(name: &str) -> Option<&'static str> {
    let distance = |option: &str| strsim::damerau_levenshtein(option, name);
    let nearest = OPTIONS.iter().map(|option| option.name).min_by_key(|name| distance(name))?;
    (distance(nearest) <= 1 + name.len() / 4).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood() {
        assert_eq!(suggestion("prot"), Some("port"));
        assert_eq!(suggestion("max_dept"), Some("max_depth"));
        assert_eq!(suggestion("request_time_out"), Some("request_timeout"));
        assert_eq!(suggestion("favourite_colour"), None);
    }

    #[test]
    fn options_of_elsewhere_are_in_order_and_not_ours() {
        assert!(ELSEWHERE.is_sorted());
        for name in ELSEWHERE {
            assert!(super::super::option(name).is_none(), "{name}");
        }
    }
}
