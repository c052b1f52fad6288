//! Whether the bounds held that a command watches.

use std::process::ExitCode;

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every bound held, or there was none.
    Held,
    /// At least one did not: exit status 1.
    Missed,
}

impl Verdict {
    pub(crate) fn of(held: bool) -> Self {
        if held { Verdict::Held } else { Verdict::Missed }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Held => ExitCode::SUCCESS,
            Verdict::Missed => ExitCode::from(1),
        }
    }
}
