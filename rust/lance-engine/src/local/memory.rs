//! How much memory there is.

use std::fs;

/// The memory that this process may use, in bytes: that of the machine, or of the control group it runs in. None where
/// the system does not tell.
pub fn total() -> Option<u64> {
    let machine = of_machine(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    // "max" is no limit.
    let group = group.and_then(|limit| limit.trim().parse().ok());
    Some(group.unwrap_or(machine).min(machine))
}

fn of_machine(info: &str) -> Option<u64> {
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read_in_bytes() {
        let info = "MemTotal:       24576 kB\nMemFree:         8192 kB\n";
        assert_eq!(of_machine(info), Some(24 << 20));
        for odd in ["", "MemFree: 1 kB", "MemTotal: many kB", "MemTotal: 5"] {
            assert_eq!(of_machine(odd), None, "{odd}");
        }
    }
}
