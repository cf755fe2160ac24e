//! The table of options. `docs/configuration.md` is written from it.

use super::kind::Kind::{Integer, IntegerOrFalse, Ip, List, Switch, Table, Text, Word};
use super::names;
use super::option::NodeOption;
use super::option::Preset::{self, Unset};

const ON: Preset = Preset::Word("true");
const OFF: Preset = Preset::Word("false");
const DAY: u64 = 24 * 60 * 60 * 1000;
const MIB: u64 = 1 << 20;

const fn new(name: &'static str, kind: super::Kind, preset: Preset) -> NodeOption {
    NodeOption::new(name, kind, preset)
}

const fn number(name: &'static str, min: u64, max: u64, preset: u64) -> NodeOption {
    NodeOption::new(name, Integer(min, max), Preset::Integer(preset))
}

const fn time(name: &'static str, preset: u64) -> NodeOption {
    number(name, 1, 365 * DAY, preset).unit("ms")
}

const fn bytes(name: &'static str, min: u64, preset: u64) -> NodeOption {
    number(name, min, 1 << 40, preset).unit("bytes").at_start()
}

/// Every option: first those of the reference node that mean something here, with its names and
/// defaults, then those of this node.
#[rustfmt::skip]
pub const OPTIONS: &[NodeOption] = &[
    number("port", 0, 65_535, 8734).at_start()
        .doc("Port to listen on; 0 takes a free one"),
    new("host", Text, Unset)
        .doc("Name under which others reach this node"),
    new("operator", Text, Unset)
        .doc("Address that may change the configuration; `unclaimed` lets anyone. Unset: the node's own address"),
    new("initialized", Word(&["true", "false", "permanent"]), ON)
        .doc("`false`: only `/~meta@1.0/info` answers. `permanent`: the configuration is fixed"),
    new("priv_key_location", Text, Unset).at_start()
        .doc("File of the node's wallet, made if there is none. Unset: `wallet.json` in the data folder"),
    new("mode", Word(&["debug", "prod"]), Preset::Word("debug"))
        .doc("Shown to clients that ask for it; changes nothing here"),
    new("default_request", Text, Preset::Text("/~hyperbuddy@1.0/dashboard"))
        .doc("Where `/` leads"),
    new("default_index", Text, Preset::Text("hyperbuddy@1.0"))
        .doc("Device that shows a message which has no body"),
    new("default_index_path", Text, Preset::Text("index"))
        .doc("Key of that device"),
    new("generate_index", Switch, ON)
        .doc("Whether messages without a body are shown so"),
    new("default_codec", Text, Preset::Text("httpsig@1.0"))
        .doc("Codec of requests and responses that name none"),
    new("force_signed", Switch, ON)
        .doc("Whether every response is signed, or only where the request asks for it. `signing` goes before it"),
    new("force_signed_requests", Switch, OFF)
        .doc("The reference node's; here the signatures of every request are verified, whatever it says"),
    new("store_all_signed", Switch, ON)
        .doc("Whether signed requests are kept"),
    new("http_inbound_filter_keys", List, Preset::List(&["content-length"]))
        .doc("Keys of requests that are left out unless somebody signed them"),
    new("cache_writers", List, Unset)
        .doc("Addresses that may write through `~cache@1.0`. Unset: the node's own"),
    new("on", Table, Preset::Table)
        .doc("Hooks: handlers of `start`, `request`, `step` and `response`"),
    new("routes", List, Preset::List(&[]))
        .doc("Where `~relay@1.0` sends a path that is no URL: the first route whose `template` matches. An address that stands here may be any"),
    new("relay_allow_commit_request", Switch, OFF)
        .doc("Whether `~relay@1.0` signs with the node's key what it passes on, for whoever asks for that"),
    new("node_processes", Table, Preset::Table)
        .doc("Processes of the node itself, by name: the definition of each, which `/NAME~node-process@1.0` starts when it is asked for first"),
    new("node_process_spawn_codec", Text, Preset::Text("httpsig@1.0"))
        .doc("The device by which the node signs their definitions"),
    new("name_resolvers", List, Preset::List(&[]))
        .doc("Messages that `~name@1.0` asks for what a name leads to, one after another: `{ device = \"local-name@1.0\" }` is one"),
    new("await_inprogress", Word(&["named", "true"]), Preset::Word("named"))
        .doc("Which identical requests in flight are computed once: those of devices that ask for it, or all"),
    new("scheduling_mode", Word(&["local_confirmation", "aggressive", "disabled"]),
        Preset::Word("local_confirmation"))
        .doc("`disabled`: no message gets a slot. Else it is confirmed once its slot is on disk; `aggressive` is the same here"),
    new("verify_assignments", Word(&["true", "accept_unsigned", "false"]), ON)
        .doc("`accept_unsigned`: messages that nobody signed get slots too. `false`: and assignments are computed without verifying their signature and hash chain again"),
    new("process_now_from_cache", Word(&["true", "false", "always"]), OFF)
        .doc("Whether `now` answers with the latest slot that is computed already"),
    new("process_snapshot_slots", IntegerOrFalse(1, u64::MAX), Preset::Integer(1000)).unit("slots")
        .doc("A checkpoint of a process every so many slots"),
    new("process_snapshot_time", IntegerOrFalse(1, 365 * DAY / 1000), Preset::Integer(60)).unit("s")
        .doc("A checkpoint of a process that computes every so often"),
    new("push_always_sign", Switch, ON)
        .doc("Whether what processes send is signed also if the target's `policy` or `authority` names no address of this node; else it is not sent"),
    time("idle_timeout", 300_000).at_start()
        .doc("How long a connection stays open without a request"),

    new("bind", Ip, Preset::Text("0.0.0.0")).at_start()
        .doc("Address to listen on; `127.0.0.1` keeps the node to this machine"),
    new("data", Text, Preset::Text("./data")).at_start()
        .doc("Folder that holds everything the node keeps"),
    new("custom", Table, Preset::Table).at_start()
        .doc("Keys of your own, shown by `~meta@1.0/info` beside the options"),
    new("signing", Word(&["always", "on-request", "never"]), Unset)
        .doc("When responses are signed. Unset: as `force_signed` says"),
    number("max_depth", 1, 1024, 64).unit("calls")
        .doc("Calls within calls of one request"),
    number("max_steps", 1, u64::MAX, 1_000_000).unit("steps")
        .doc("Steps of one request, those of devices included"),
    time("request_timeout", 300_000)
        .doc("How long a request may take"),
    number("max_attempts", 1, 1000, 3).unit("attempts")
        .doc("Attempts at a slot that end without an outcome, before its process is set aside"),
    time("passivate_after", 300_000)
        .doc("How long a process or scheduler without work stays in memory"),
    time("rest_after", 5000)
        .doc("How long a process is without work before it writes a checkpoint. A small state that nobody has asked for in such a time after that leaves memory; guests stay until `passivate_after`"),
    number("push_depth", 0, 1024, 32).unit("messages")
        .doc("How deep a synchronous push follows messages before it leaves the rest to the background"),
    time("push_time", 30_000)
        .doc("For how long it does"),
    number("scheduler_max_locations", 1, 1_000_000, 10_000).unit("records")
        .doc("Location records of other nodes that are kept; for one more, the oldest is forgotten"),
    new("cron_access", Word(&["any", "signed", "admin"]), Preset::Word("any"))
        .doc("Who may start timers with `~cron@1.0`: anybody, whoever signs the request, or admins of the node"),
    number("cron_max_tasks", 0, 1_000_000, 10_000).unit("timers")
        .doc("Timers that the node keeps; one more is answered 503"),
    number("cron_max_tasks_of_client", 0, 1_000_000, 1000).unit("timers")
        .doc("Timers of one signer; all those that nobody signed are one client's. One more is answered 429"),
    time("cron_min_interval", 100)
        .doc("Shortest interval of a timer; less is answered 400"),
    number("outbox_max_attempts", 1, 1_000_000, 80).unit("attempts")
        .doc("Attempts to deliver a message of a process in the background, before it becomes a dead letter: 80 take half a day"),
    new("supervisor_access", Word(&["open", "admin"]), Preset::Word("open"))
        .doc("Who may read `~supervisor@1.0`: everybody, without what crashes said and whose timers there are, or admins of the node"),
    new("remote_networks", Word(&["public", "any"]), Preset::Word("public")).at_start()
        .doc("Where messages to processes of other nodes are sent: to `public` addresses alone, or to `any`, this machine and those beside it included"),
    new("relay_networks", Word(&["public", "any"]), Preset::Word("public"))
        .doc("Where `~relay@1.0` passes requests on to: to `public` addresses alone, or to `any`, this machine and those beside it included. Addresses of `routes` need not be public"),
    number("relay_max_bytes", 1, 1 << 40, 32 * MIB).unit("bytes")
        .doc("Largest answer that is passed on; more is answered 500"),
    time("relay_timeout", 30_000)
        .doc("How long an answer may take that is passed on; longer is answered 504"),
    number("relay_max_requests", 0, 60_000, 64).unit("requests")
        .doc("Requests that are passed on at the same time; one more is answered 503"),
    number("guest_fuel", 1_000_000, 1 << 60, 2_500_000_000).unit("fuel").at_start()
        .doc("What one call of a guest may use, a unit being about four nanoseconds. It decides results: a slot keeps that of its first time, and nodes that compute the same process need the same"),
    number("guest_slice", 10_000, 1 << 40, 250_000).unit("fuel").at_start()
        .doc("After how much of it a guest gives its thread away; changes no result"),
    bytes("guest_memory_bytes", MIB, 512 * MIB)
        .doc("What the memory of a guest may grow to. It decides results, as `guest_fuel` does"),
    bytes("http_max_body_bytes", 1, 64 * MIB)
        .doc("Largest body of a request; more is answered 413"),
    bytes("http_max_bodies_bytes", 1, 512 * MIB)
        .doc("Bodies of all requests under way together; more is answered 503"),
    number("http_max_requests", 1, 60_000, 4096).unit("requests").at_start()
        .doc("Requests under way; one more is answered 503"),
    number("http_max_requests_of_client", 1, 60_000, 1024).unit("requests").at_start()
        .doc("Requests under way from one address, one more is answered 429; and its connections, one more is closed"),
    number("http_max_streams", 0, 60_000, 1024).unit("streams").at_start()
        .doc("Streams of events open at a time; one more is answered 503"),
    number("http_max_streams_of_client", 0, 60_000, 64).unit("streams").at_start()
        .doc("Streams of events open at a time to one address; one more is answered 429"),
    number("http_max_connections", 1, 1_000_000, 8192).unit("connections").at_start()
        .doc("Open connections on each thread, as far as the system lets the program have files open; further ones wait"),
    time("http_head_time", 5000).at_start()
        .doc("In which the first head of a connection must have come, or is answered 408; one on which nothing comes is closed"),
    time("http_body_time", 120_000).at_start()
        .doc("In which its body must have come, or is answered 408"),
    time("http_body_pause", 10_000).at_start()
        .doc("Longest pause in a body"),
    time("http_write_time", 30_000).at_start()
        .doc("How long a client may take to read what was sent, besides a second for each 64 KiB, and to send a later head"),
    new("durability", Word(&["sync", "os"]), Preset::Word("sync")).at_start()
        .doc("A write counts when the disk has it (`sync`), or when the operating system has it (`os`: lost with the power)"),
    bytes("store_cache_bytes", MIB, 256 * MIB)
        .doc("Memory of the store for what was read and for what is not yet in its tables"),
    bytes("store_write_buffer_bytes", MIB, 64 * MIB)
        .doc("The part of it for what is not yet in its tables"),
    bytes("store_wal_bytes", MIB, 128 * MIB)
        .doc("Write-ahead log that a start may have to replay"),
    number("store_max_open_files", 64, 1_000_000, 1024).unit("files").at_start()
        .doc("Files that the store keeps open"),
    number("store_reader_threads", 1, 64, 2).unit("threads").at_start()
        .doc("Threads that read from disk"),
    new("store_salvage", Switch, OFF).at_start()
        .doc("Open a store whose log is damaged, and lose what lies behind the damage"),
    number("checkpoints_kept", 1, 1_000_000, 3).unit("checkpoints").at_start()
        .doc("Latest checkpoints that a process keeps"),
    number("checkpoints_kept_every", 0, u64::MAX, 10_000).unit("slots").at_start()
        .doc("Besides, it keeps one every so many slots; 0 for none"),
    number("control_threads", 0, 256, 0).unit("threads").at_start()
        .doc("Threads that take requests; 0 for one a core, at most 4"),
    number("compute_threads", 0, 1024, 0).unit("threads").at_start()
        .doc("Threads that compute; 0 for one a core"),
    time("stop_timeout", 30_000).at_start()
        .doc("How long the node may take to stop before it is ended"),
    new("metrics", Word(&["open", "local", "off"]), Preset::Word("open"))
        .doc("Who may read `/metrics`: everybody, this machine alone (a proxy on it counts as this machine), or nobody"),
    new("otlp_endpoint", Text, Unset).at_start()
        .doc("URL of a collector that takes traces over OTLP/HTTP, such as `http://127.0.0.1:4318`. Unset: nothing is traced"),
    number("otlp_one_in", 1, 1_000_000_000, 1).unit("requests").at_start()
        .doc("Of so many requests one is traced; those whose caller says so in `traceparent` are traced, or not, as it says"),
    new("log", Word(&["pretty", "json"]), Preset::Word("pretty")).at_start()
        .doc("Form of the log on standard error"),
    new("log_filter", Text, Preset::Text("info,actix_server=warn")).at_start()
        .doc("What is logged: a level, or levels by module such as `info,oxbeam_kernel=debug`"),
];

/// The option of a name in which `-` and `_`, small and capital letters are the same.
#[must_use]
pub fn option(name: &str) -> Option<&'static NodeOption> {
    let name = names::canonical(name);
    OPTIONS.iter().find(|option| option.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_option() {
        for option in OPTIONS {
            if let Some(value) = option.default_value() {
                assert_eq!(option.kind.read(&value), Some(value), "{}", option.name);
            }
        }
    }

    #[test]
    fn names_are_canonical_and_different() {
        for (at, option) in OPTIONS.iter().enumerate() {
            assert_eq!(names::canonical(option.name), option.name);
            assert!(OPTIONS.iter().skip(at + 1).all(|other| other.name != option.name));
        }
    }

    #[test]
    fn dashes_and_capitals_do_not_matter() {
        let found = |name| option(name).map(|option| option.name);
        assert_eq!(found("Max-Depth"), Some("max_depth"));
        assert_eq!(found("maxdepth"), None);
    }
}
