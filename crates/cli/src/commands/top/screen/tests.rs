//! A panic while the terminal is taken: the terminal is as it was, and the report is there to be read.

#[expect(dead_code, reason = "nothing is typed here")]
#[path = "../../../../tests/cli/pty.rs"]
mod pty;

use super::Screen;
use pty::Pty;
use std::process::Command;

/// Takes the terminal and panics. It does nothing in a plain run.
#[test]
#[ignore = "started by the other test, in a terminal of its own"]
fn panicker() {
    if std::env::var_os("SAMOVAR_PANICKER").is_some() {
        let mut screen = Screen::enter().unwrap();
        screen.draw(&["tea is served".to_owned()], 0).unwrap();
        panic!("the pot is broken");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let name = "commands::top::screen::tests::panicker";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env_remove("RUST_BACKTRACE")
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env("SAMOVAR_PANICKER", "1");
    let mut pty = Pty::start(&mut command);
    assert!(!pty.ends_in_order().success());
    pty.shows("the pot is broken");
    assert!(!pty.text().contains("tea is served"), "{}", pty.text());
}
