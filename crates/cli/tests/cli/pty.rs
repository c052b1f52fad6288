//! A terminal for a program to run in: what it draws is read as a terminal reads it, what is typed reaches it as keys.

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) const ROWS: u16 = 40;
pub(crate) const COLUMNS: u16 = 120;
/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

/// A program in a terminal.
pub(crate) struct Pty {
    child: Child,
    keyboard: File,
    /// Keeps the terminal open after the program, so that its modes can be asked for.
    terminal: OwnedFd,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Pty {
    /// Starts the program with all three standard streams on a terminal.
    pub(crate) fn start(command: &mut Command) -> Pty {
        let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a terminal");
        let stream = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let child = command.env("TERM", "xterm-256color").stdin(stream()).stdout(stream()).stderr(stream());
        let child = child.spawn().expect("the program starts");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
        let (mut output, shown) = (File::from(pty.master.try_clone().expect("a descriptor")), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = output.read(&mut bytes) {
                shown.lock().expect("a screen").process(&bytes[..len]);
            }
        });
        Pty { child, keyboard: File::from(pty.master), terminal: pty.slave, screen }
    }

    fn wait<T>(&mut self, for_what: &str, mut look: impl FnMut(&mut Pty) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(begun.elapsed() < LIMIT, "no {for_what} on the screen:\n{}", self.text());
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the screen shows this.
    pub(crate) fn shows(&mut self, text: &str) {
        self.wait(text, |pty| pty.text().contains(text).then_some(()));
    }

    /// What the screen shows.
    pub(crate) fn text(&self) -> String {
        self.screen.lock().expect("a screen").screen().contents()
    }

    pub(crate) fn types(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("a keyboard");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process number");
        kill(Pid::from_raw(pid), signal).expect("a signal");
    }

    /// Has the program taken the terminal: raw mode, the other screen, no cursor?
    pub(crate) fn is_taken(&self) -> [bool; 3] {
        let modes = tcgetattr(&self.terminal).expect("modes").local_flags;
        let parser = self.screen.lock().expect("a screen");
        let screen = parser.screen();
        let raw = !modes.intersects(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG);
        [raw, screen.alternate_screen(), screen.hide_cursor()]
    }

    /// Waits until the program has ended, and the terminal is as it was before.
    pub(crate) fn ends_in_order(&mut self) -> ExitStatus {
        let status = self.wait("end", |pty| pty.child.try_wait().expect("a child"));
        self.wait("order", |pty| (pty.is_taken() == [false; 3]).then_some(()));
        status
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
