//! What a writing handle does without being asked, and what it tells of.

use crate::error::Error;
use crate::slots::Features;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

type Tell = dyn Fn(&Warning) + Send + Sync;

/// Whose files are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owners {
    /// Those of the user as whom this process acts, and root's.
    #[default]
    OwnAndRoot,
    All,
}

/// What a writing handle does without being asked.
#[derive(Clone, Default)]
pub(crate) struct Habits {
    /// Whose files are written.
    pub(crate) owners: Owners,
    pub(crate) leaves_unflushed: bool,
    pub(crate) flush_every: Option<Duration>,
    pub(crate) tell: Option<Arc<Tell>>,
    /// What the files have that it makes.
    pub(crate) features: Features,
}

/// What happened to a file that nobody asked about; see [`Options::on_warning`](crate::Options::on_warning). Display is a
/// sentence.
#[derive(Debug)]
pub struct Warning {
    kind: WarningKind,
    path: PathBuf,
    message: String,
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A flush failed that nobody waited for: what was written since the last one may not outlive a loss of power.
    FlushFailed,
    /// The machine had lost its power while the file was written: it was brought back to its last flush.
    Restored,
    /// The system does not say which boot of the machine this is, so that a loss of power would not be noticed.
    BootUnknown,
    /// Tables of a pack were given up, since a loss of power, or damage, left no sense in them.
    TablesLost,
}

impl Warning {
    /// What it is about, for code.
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.message)
    }
}

impl Habits {
    #[cold]
    pub(crate) fn warn(&self, kind: WarningKind, path: &Path, message: impl fmt::Display) {
        if let Some(tell) = &self.tell {
            tell(&Warning { kind, path: path.to_owned(), message: message.to_string() });
        }
    }

    #[cold]
    pub(crate) fn warn_of_flush(&self, path: &Path, error: &Error) {
        let message =
            format_args!("what was written since the last flush may not outlive a loss of power: {error}");
        self.warn(WarningKind::FlushFailed, path, message);
    }
}

impl fmt::Debug for Habits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Habits")
            .field("leaves_unflushed", &self.leaves_unflushed)
            .field("flush_every", &self.flush_every)
            .field("tells", &self.tell.is_some())
            .field("features", &self.features)
            .finish()
    }
}
