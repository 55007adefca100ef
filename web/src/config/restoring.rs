//! The words of `spunto backup`, `restore`, `restore-status` and `confirm`.

use std::path::PathBuf;

use clap::Args;

use super::{Data, Serve};

/// A backup to take.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to make.
    pub file: PathBuf,
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub serve: Serve,
}

/// A backup to restore.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub data: Data,
    /// Leaves out secrets that no given master key opens: workers' environments, cloud credentials, names and passwords.
    #[arg(long)]
    pub without_secrets: bool,
}

/// A difference to print.
#[derive(Debug, Args)]
pub struct RestoreStatus {
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub chosen: Chosen,
    /// Prints JSON instead of text.
    #[arg(long)]
    pub json: bool,
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub serve: Serve,
}

/// A difference to confirm.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The digest that `spunto restore-status` printed, with the same choices.
    pub digest: String,
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub chosen: Chosen,
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub serve: Serve,
}

/// What to do about what can't be proven after a restore.
#[derive(Clone, Copy, Debug, Args)]
pub struct Chosen {
    /// Leaves the tokens of nodes that nobody has come for; otherwise they are ended, as they may have been rotated since.
    #[arg(long)]
    pub keep_unseen: bool,
    /// Leaves API keys; otherwise they are revoked, as they may have been revoked since.
    #[arg(long)]
    pub keep_keys: bool,
    /// Lets containers be removed that the log does not know; otherwise they stay.
    #[arg(long)]
    pub remove_unknown: bool,
}
