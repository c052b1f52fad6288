//! One module a command: it takes what was asked, does it, and says what came of it.

mod change;
mod check;
mod create;
mod demo;
mod dump;
mod entry;
mod flush;
mod keys;
mod load;
mod namespace;
mod number;
mod prometheus;
mod replay;
mod resize;
mod salvage;
mod source;
mod stat;
mod top;

use crate::answer::failure::{Outcome, Status};
use crate::args::Command;
use crate::records;

/// Does what is asked.
pub(crate) fn run(command: Command) -> Outcome<Status> {
    match command {
        Command::Create(arguments) => create::run(&arguments),
        Command::Set(arguments) => entry::set(&arguments),
        Command::Get(arguments) => entry::get(&arguments),
        Command::Contains(arguments) => entry::contains(&arguments),
        Command::Del(arguments) => entry::delete(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Add(arguments) => change::add(&arguments),
        Command::Replace(arguments) => change::replace(&arguments),
        Command::Append(arguments) => change::append(&arguments),
        Command::Prepend(arguments) => change::prepend(&arguments),
        Command::Incr(arguments) => number::incr(&arguments),
        Command::Decr(arguments) => number::decr(&arguments),
        Command::Touch(arguments) => change::touch(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Clear(arguments) => namespace::clear(&arguments),
        Command::Ns(command) => namespace::run(&command),
        Command::Stat(arguments) => stat::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Flush(arguments) => flush::run(&arguments),
        Command::Salvage(arguments) => salvage::run(&arguments),
        Command::Resize(arguments) => resize::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Records(command) => records::run(&command),
    }
}
