//! A directory for each test, a way to run the program, and traces made by hand.

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The exit statuses, as the help documents them.
pub(crate) const DONE: i32 = 0;
pub(crate) const ABSENT: i32 = 1;
pub(crate) const USAGE: i32 = 2;
pub(crate) const DAMAGE: i32 = 3;
pub(crate) const OTHER: i32 = 4;

/// The ops of a trace.
pub(crate) const GET: u8 = 0;
pub(crate) const SET: u8 = 1;
pub(crate) const DELETE: u8 = 2;

/// A directory that goes away with the test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(TempDir::new().expect("a temporary directory"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as an argument.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path in UTF-8").to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).expect("a file to write");
        self.file(name)
    }

    /// A new cache of 8 MiB.
    pub(crate) fn cache(&self, name: &str) -> String {
        let file = self.file(name);
        samovar(&["create", &file, "--capacity", "8MiB"]).ends(DONE);
        file
    }
}

/// What a finished run said.
pub(crate) struct Answer {
    arguments: String,
    output: Output,
}

impl Answer {
    /// Fails unless the exit status is this one. A panic has none of ours: it is 101.
    #[track_caller]
    pub(crate) fn ends(self, status: i32) -> Answer {
        let (out, err) = (self.out(), self.err());
        assert_eq!(self.output.status.code(), Some(status), "samovar {}\n{out}{err}", self.arguments);
        self
    }

    /// Fails unless an error of one line was printed that holds all of these words.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Answer {
        let err = self.err();
        assert!(err.starts_with("samovar: ") && err.trim_end().lines().count() == 1, "{err}");
        for word in words {
            assert!(err.contains(word), "{word:?} is missing: {err}");
        }
        self
    }

    /// Fails if an error was printed.
    #[track_caller]
    pub(crate) fn stays_silent(self) {
        assert!(self.err().is_empty(), "{}", self.err());
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.output.stdout
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The objects of an answer that has one a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).expect("JSON on standard output");
        self.out().lines().map(parse).collect()
    }

    /// The error of a run that was asked for JSON, which is one line on standard error.
    #[track_caller]
    pub(crate) fn json_error(&self) -> Value {
        let err = self.err();
        assert_eq!(err.lines().count(), 1, "{err}");
        serde_json::from_str(&err).unwrap_or_else(|error| panic!("{error}: {err}"))
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).expect("JSON on standard output")
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("SAMOVAR_FILE");
    command
}

/// Runs the program in the directory of the test.
pub(crate) fn samovar_in(place: &Place, arguments: &[&str]) -> Answer {
    let child = command(arguments).current_dir(place.path("")).spawn().expect("samovar starts");
    finish(arguments, child)
}

/// Runs the program where `SAMOVAR_FILE` names a cache.
pub(crate) fn samovar_about(file: &str, arguments: &[&str]) -> Answer {
    let child = command(arguments).env("SAMOVAR_FILE", file).spawn().expect("samovar starts");
    finish(arguments, child)
}

/// Runs the program to its end.
pub(crate) fn samovar(arguments: &[&str]) -> Answer {
    finish(arguments, start(arguments))
}

/// Runs the program with something on its standard input.
pub(crate) fn samovar_reading(input: &[u8], arguments: &[&str]) -> Answer {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("samovar starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("samovar reads");
    drop(stdin);
    finish(arguments, child)
}

/// Starts the program and leaves it running.
pub(crate) fn start(arguments: &[&str]) -> Child {
    command(arguments).spawn().expect("samovar starts")
}

/// Waits for a program that was started.
pub(crate) fn finish(arguments: &[&str], child: Child) -> Answer {
    let output = child.wait_with_output().expect("samovar ends");
    Answer { arguments: arguments.join(" "), output }
}

/// Fails unless the cache is clean.
#[track_caller]
pub(crate) fn assert_clean(cache: &str) {
    let answer = samovar(&["check", cache]).ends(DONE);
    assert!(!answer.bytes().is_empty());
}

/// A trace of these keys, value sizes and ops.
pub(crate) fn trace(records: impl IntoIterator<Item = (u64, u32, u8)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, size, op) in records {
        bytes.extend(key.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.push(op);
    }
    bytes
}

/// A trace that keeps a small cache busy: keys that come again soon, keys that come again late, keys that never do.
pub(crate) fn busy_trace(records: u64) -> Vec<u8> {
    let mut state: u64 = 1;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    trace((0..records).map(|number| {
        let key = match random(4) {
            0 => random(500),
            1 | 2 => random(50_000),
            _ => 1_000_000 + number,
        };
        let size = u32::try_from(key % 700).unwrap_or_default();
        (key, size, if random(8) == 0 { DELETE } else { GET })
    }))
}

/// The trace that ships in the project.
pub(crate) fn web12() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/web12.trace.zst");
    file.to_str().expect("a path in UTF-8").to_owned()
}
