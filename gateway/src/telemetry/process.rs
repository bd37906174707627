//! What every Prometheus exporter tells of its process, under the names that all of them use: dashboards, alerts and the
//! load tester know them. Read when they are asked for (proc(5), clock_gettime(2)).

use std::fmt::Write;
use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Appends them in the text format of Prometheus. What the system does not tell is left out. `started`: Unix time.
pub(super) fn write(text: &mut String, started: f64) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let files = fs::read_dir("/proc/self/fd").ok();
    // The folder itself is open while it is counted.
    let open = files.map(|files| files.count().saturating_sub(1) as f64);
    let most = getrlimit(Resource::Nofile).current.map(|most| most as f64);
    for (name, kind, help, value) in [
        ("cpu_seconds_total", "counter", "User and system CPU time of all threads.", Some(cpu)),
        ("resident_memory_bytes", "gauge", "Memory that is in RAM.", bytes(&status, "VmRSS:")),
        ("virtual_memory_bytes", "gauge", "Size of the address space.", bytes(&status, "VmSize:")),
        ("open_fds", "gauge", "Open file descriptors.", open),
        ("max_fds", "gauge", "File descriptors that may be open.", most),
        ("start_time_seconds", "gauge", "Unix time at which the process started.", Some(started)),
    ] {
        if let Some(value) = value {
            let name = format!("process_{name}");
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
}

fn bytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn values() -> impl Fn(&str) -> f64 {
        let mut text = String::new();
        write(&mut text, 17.5);
        move |name| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("process_{name} ")));
            line.unwrap_or_else(|| panic!("{name} is missing in {text}")).parse().unwrap()
        }
    }

    #[test]
    fn they_are_those_of_this_process() {
        let before = values();
        let files: Vec<_> = (0..1000).map(|_| File::open("/dev/null").unwrap()).collect();
        // Enough to be seen beside what other tests of this process do.
        let memory = std::hint::black_box(vec![7_u8; 64 << 20]);
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_millis(30) {
            std::hint::black_box(memory.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
        let after = values();
        let grown = |name: &str| after(name) - before(name);
        assert!(grown("open_fds") > 900.0, "{} of {}", grown("open_fds"), files.len());
        assert!(grown("resident_memory_bytes") > 30e6 && grown("virtual_memory_bytes") > 30e6);
        assert!((0.005..60.0).contains(&grown("cpu_seconds_total")), "{}", grown("cpu_seconds_total"));
        assert!(after("open_fds") < after("max_fds") && after("start_time_seconds") == 17.5);
    }

    #[test]
    fn sizes_are_kibibytes() {
        let status = "Name:\tx\nVmSize:\t 12 kB\nVmRSS:\t    2048 kB\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(f64::from(2 << 20)));
        assert_eq!(bytes(status, "VmSwap:"), None);
    }
}
