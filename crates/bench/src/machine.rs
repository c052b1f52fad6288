//! On what, with what and when: printed under every table and stored with every result.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine and the build, as far as results depend on them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) disk: String,
    pub(crate) huge_pages: String,
    pub(crate) rustc: String,
    pub(crate) date: String,
    /// Runnable tasks in the minute before the run: far above zero, the machine was busy with something else.
    pub(crate) load_at_start: String,
    /// In the last minute of the run; of that, up to two are the run's own.
    pub(crate) load_at_end: String,
}

/// Bytes of memory that this process has in use.
pub(crate) fn resident_bytes() -> u64 {
    let resident = field("/proc/self/status", "VmRSS");
    let kib = resident.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

impl Machine {
    pub(crate) fn here(disk: &Path) -> Self {
        let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
        let memory_kib = field("/proc/meminfo", "MemTotal")
            .and_then(|value| value.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()));
        let kernel = read("/proc/sys/kernel/osrelease");
        Machine {
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_kib.unwrap_or(0).div_ceil(1 << 20),
            kernel: format!("Linux {}", kernel.split('-').next().unwrap_or("")),
            disk: file_system(disk).unwrap_or_else(|| "unknown".to_owned()),
            huge_pages: chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled")),
            rustc: env!("SAMOVAR_BENCH_RUSTC").to_owned(),
            date: today(),
            load_at_start: load(),
            load_at_end: load(),
        }
    }

    /// The same machine at the end of the run.
    pub(crate) fn at_end(self) -> Self {
        Machine { load_at_end: load(), ..self }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({} cores, {} GiB), {}, disk: {}, huge pages: {}, {}; {}, load {} at the start and {} at the end",
            self.processor,
            self.cores,
            self.memory_gib,
            self.kernel,
            self.disk,
            self.huge_pages,
            self.rustc,
            self.date,
            self.load_at_start,
            self.load_at_end
        )
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn load() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or("").to_owned()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `always [madvise] never` is `madvise`.
fn chosen(choices: &str) -> String {
    let inside = choices.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    inside.map_or("unknown", |(chosen, _)| chosen).to_owned()
}

/// The type of the file system that holds the path.
fn file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = fields.filter(|(mount, _)| path.starts_with(mount));
    holding.max_by_key(|(mount, _)| mount.len()).map(|(_, kind)| kind.to_owned())
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// The date so many days after 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
