//! What several tests need: this program as another process, and small file systems.
#![allow(dead_code)] // each test uses a part of it

#[cfg(unix)]
use std::path::Path;
use std::process::{Command, Output};

/// This test program, to be started again for one of its tests. Where it runs under an emulator, so does that.
pub(crate) fn this_program(test: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let runner = std::env::var("SAMOVAR_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_ascii_whitespace();
    let mut command = match words.next() {
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command
}

/// Whether this runs under an emulator, which does not pass on all that is asked of the kernel.
pub(crate) fn is_emulated() -> bool {
    std::env::var("SAMOVAR_TEST_RUNNER").is_ok()
}

/// Starts this program for an ignored test, with a role, and waits for its end.
pub(crate) fn in_another_process(test: &str, role: &str) -> Output {
    this_program(test).env("SAMOVAR_TEST_ROLE", role).output().unwrap()
}

/// What a forked child says of `work`, which takes no lock.
#[cfg(unix)]
pub(crate) fn forked(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child does its work, which takes no lock, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = if work() { 7 } else { 1 };
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: our child, and an integer of ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7
}

/// A number from the environment, for runs that are longer than the usual one.
pub(crate) fn rounds(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// A small file system of its own, if we may mount one.
#[cfg(unix)]
pub(crate) struct Mounted {
    dir: tempfile::TempDir,
    _image: Option<tempfile::NamedTempFile>,
}

#[cfg(unix)]
impl Mounted {
    /// In memory.
    pub(crate) fn tmpfs(size: &str) -> Option<Mounted> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path()))?;
        Some(Mounted { dir, _image: None })
    }

    /// In a file.
    pub(crate) fn ext4(size: u64) -> Option<Mounted> {
        let dir = tempfile::tempdir().unwrap();
        let image = tempfile::NamedTempFile::new().unwrap();
        image.as_file().set_len(size).unwrap();
        run(Command::new("mkfs.ext4").arg("-q").arg(image.path()))?;
        run(Command::new("mount").args(["-o", "loop"]).arg(image.path()).arg(dir.path()))?;
        Some(Mounted { dir, _image: Some(image) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

#[cfg(unix)]
fn run(command: &mut Command) -> Option<()> {
    match command.output() {
        Ok(output) if output.status.success() => Some(()),
        other => {
            println!("SKIPPED: {command:?} cannot be run here: {other:?}");
            None
        }
    }
}

#[cfg(unix)]
impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).status();
    }
}
