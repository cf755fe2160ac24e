//! The program and its machine, under the names that Prometheus' own clients use. Linux tells it in
//! `/proc`; elsewhere some of it is missing.

use std::fs;
use std::path::Path;

use super::samples::Gathered;

pub(super) fn gather(data: Option<&Path>, gathered: &mut Gathered) {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    gathered.gauges("oxbeam_build_info", "The version that runs", [(version, 1.0)]);
    if let Some(disk) = data.and_then(|data| rustix::fs::statvfs(data).ok()) {
        let bytes = |blocks: u64| blocks as f64 * disk.f_frsize as f64;
        let help = "Bytes of the data folder's disk that the node may still use";
        gathered.gauge("oxbeam_disk_free_bytes", help, bytes(disk.f_bavail));
        gathered.gauge(
            "oxbeam_disk_size_bytes",
            "Bytes of the data folder's disk",
            bytes(disk.f_blocks),
        );
    }
    process(gathered);
}

fn process(gathered: &mut Gathered) {
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // One of them is the look itself.
        let open = files.count().saturating_sub(1);
        gathered.gauge("process_open_fds", "Files and connections that are open", open as f64);
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if let Some(limit) = limit {
        gathered.gauge("process_max_fds", "Files that may be open", limit as f64);
    }
    let Some(stat) = Stat::read() else { return };
    gathered.gauge("process_threads", "Threads", stat.threads);
    let help = "Memory that the program has in the machine's";
    gathered.gauge("process_resident_memory_bytes", help, stat.resident);
    gathered.gauge("process_virtual_memory_bytes", "Memory that it has reserved", stat.reserved);
    gathered.counter("process_cpu_seconds", "Time of processors that it used", stat.cpu);
}

/// What `/proc/self/stat` says.
struct Stat {
    threads: f64,
    resident: f64,
    reserved: f64,
    cpu: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in parentheses may hold anything; the third field comes behind it.
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<f64> =
            fields.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0.0)).collect();
        let field = |number: usize| fields.get(number.checked_sub(4)?).copied();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Some(Self {
            threads: field(20)?,
            resident: field(24)? * rustix::param::page_size() as f64,
            reserved: field(23)?,
            cpu: (field(14)? + field(15)?) / ticks,
        })
    }
}
