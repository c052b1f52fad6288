//! This program, executed again: every cell has a process of its own, so that no peer inherits another's heap.

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

fn command(arguments: &[OsString]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}

/// Runs to the end; its answer is the JSON on its standard output.
pub(crate) fn ask<T: DeserializeOwned>(arguments: &[OsString]) -> Result<T> {
    let output = command(arguments)?
        .stderr(Stdio::inherit())
        .output()
        .context("this program could not be started again")?;
    ensure!(output.status.success(), "the process of a cell ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the answer of a cell makes no sense")
}

/// A process that answers in a line of JSON and lives on until it is killed.
pub(crate) struct Victim {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Victim {
    pub(crate) fn start(arguments: &[OsString]) -> Result<Self> {
        let mut child = command(arguments)?.spawn().context("this program could not be started again")?;
        let answers = child.stdout.take().context("a child without standard output")?;
        Ok(Victim { child, answers: BufReader::new(answers) })
    }

    pub(crate) fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the answer of a process makes no sense")
    }
}

/// Starts several at once, lets each get ready, and then go at the same time.
pub(crate) fn race<T: DeserializeOwned>(racers: &[Vec<OsString>]) -> Result<Vec<T>> {
    let started = racers.iter().map(|arguments| Victim::start(arguments));
    let mut racers = started.collect::<Result<Vec<Victim>>>()?;
    for racer in &mut racers {
        racer.answer::<()>()?;
    }
    for racer in &mut racers {
        racer.child.stdin.as_mut().context("a child without standard input")?.write_all(b"\n")?;
    }
    racers.iter_mut().map(Victim::answer).collect()
}

/// Says that this process is ready, and waits until all are.
pub(crate) fn ready() -> Result<()> {
    println!("null");
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

impl Drop for Victim {
    /// Kills it, without a chance to close anything.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
