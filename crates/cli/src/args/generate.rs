//! What a package brings along: completions of the command line, and manual pages.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// `samovar completions`
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_NOTES)]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: Shell,
}

/// `samovar man`
#[derive(Debug, Args)]
#[command(after_help = MAN_NOTES)]
pub(crate) struct ManArguments {
    /// The directory, made if it is not there; one page a command is written to it
    pub(crate) dir: PathBuf,
}

const COMPLETIONS_NOTES: &str = "\
Examples:
  samovar completions bash > samovar.bash     # to /usr/share/bash-completion/completions/samovar
  samovar completions zsh > _samovar          # to a directory of $fpath
  samovar completions fish > samovar.fish     # to ~/.config/fish/completions";

const MAN_NOTES: &str = "\
Example:
  samovar man man1                            # to /usr/local/share/man";
