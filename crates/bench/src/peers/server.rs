//! A server of its own for a cell: started on a private socket, and killed when the cell is over.

use anyhow::{Context, Result, bail};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// Starts it, and waits until it accepts connections on the socket, which its arguments name.
    pub(crate) fn start(command: &mut Command, socket: &Path) -> Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().with_context(|| format!("{command:?} could not be started"))?;
        let mut server = Server { child, socket: socket.to_owned() };
        let start = Instant::now();
        while server.connect().is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            if start.elapsed() > START_TIMEOUT {
                bail!("{command:?} does not accept connections");
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    pub(crate) fn connect(&self) -> Result<UnixStream> {
        Ok(UnixStream::connect(&self.socket)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is a program of this name on the search path?
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// What the program says of its version, in its first line.
pub(crate) fn version(program: &str) -> Result<String> {
    let told = Command::new(program).arg("--version").output()?.stdout;
    Ok(String::from_utf8_lossy(&told).lines().next().unwrap_or(program).to_owned())
}
