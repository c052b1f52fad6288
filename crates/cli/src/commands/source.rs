//! Where a value comes from: the command line, a file, or standard input.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::args::entry::ValueArguments;
use std::borrow::Cow;
use std::io::{self, Read};

/// The value's bytes.
pub(crate) fn read(arguments: &ValueArguments) -> Outcome<Cow<'_, [u8]>> {
    match (&arguments.value_file, &arguments.value) {
        (Some(file), _) => {
            let bytes = std::fs::read(file).map_err(|error| Failure::of_file(file, &error))?;
            Ok(Cow::Owned(bytes))
        }
        (None, Some(value)) if value != "-" => Ok(Cow::Borrowed(value.as_encoded_bytes())),
        _ => read_standard_input().map(Cow::Owned),
    }
}

fn read_standard_input() -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Status::Other, "standard input", error))?;
    Ok(bytes)
}
