//! One module a command: it takes what was asked, does it, and says what came of it.

mod change;
mod check;
mod create;
mod demo;
mod dump;
mod entry;
mod flush;
mod generate;
mod keys;
mod load;
mod namespace;
mod number;
mod prometheus;
mod replay;
mod resize;
mod salvage;
mod seen;
mod source;
mod stat;
mod top;

use crate::answer::failure::{Outcome, Status};
use crate::answer::output::Format;
use crate::args::Command;
use crate::records;

/// Does what is asked.
pub(crate) fn run(command: &Command, format: Format) -> Outcome<Status> {
    match command {
        Command::Create(arguments) => create::run(arguments, format),
        Command::Delete(arguments) => create::delete(arguments, format),
        Command::Set(arguments) => entry::set(arguments, format),
        Command::Get(arguments) => entry::get(arguments, format),
        Command::Contains(arguments) => entry::contains(arguments, format),
        Command::Del(arguments) => entry::delete(arguments, format),
        Command::Load(arguments) => load::run(arguments, format),
        Command::Add(arguments) => change::add(arguments, format),
        Command::Replace(arguments) => change::replace(arguments, format),
        Command::Append(arguments) => change::append(arguments, format),
        Command::Prepend(arguments) => change::prepend(arguments, format),
        Command::Incr(arguments) => number::incr(arguments, format),
        Command::Decr(arguments) => number::decr(arguments, format),
        Command::Touch(arguments) => change::touch(arguments, format),
        Command::Keys(arguments) => keys::run(arguments, format),
        Command::Clear(arguments) => namespace::clear(arguments, format),
        Command::Ns(command) => namespace::run(command, format),
        Command::Stat(arguments) => stat::run(arguments, format),
        Command::Top(arguments) => top::run(arguments, format),
        Command::Check(arguments) => check::run(arguments, format),
        Command::Dump(arguments) => dump::run(arguments, format),
        Command::Flush(arguments) => flush::run(arguments, format),
        Command::Salvage(arguments) => salvage::run(arguments, format),
        Command::Resize(arguments) => resize::run(arguments, format),
        Command::Replay(arguments) => replay::run(arguments, format),
        Command::Demo(arguments) => demo::run(arguments, format),
        Command::Records(command) => records::run(command, format),
        Command::Completions(arguments) => generate::completions(arguments),
        Command::Man(arguments) => generate::man(arguments, format),
    }
}
