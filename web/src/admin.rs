//! What an operator does on the server's own machine.

use std::io::{BufRead, Write};
use std::sync::Arc;

use anyhow::{Context, bail};
use spunto_actors::feed::Feed;
use spunto_actors::journal::{Journal, replay};
use spunto_actors::secrets::Secrets;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::event::PasswordCause;
use spunto_core::name::check_password;
use spunto_core::secret::Secret;
use spunto_events::log::sled::LogOptions;

use crate::auth::password;
use crate::boot::{self, open};
use crate::config::Data;

/// Prints the link for the first owner.
///
/// # Errors
/// There is no data directory.
pub fn setup_link(data: &Data, public_url: &str) -> anyhow::Result<()> {
    let link = boot::setup_link(data, public_url).context("the setup link needs the data directory of a server that was started once")?;
    writeln!(std::io::stdout(), "{link}\nIt works until the first owner is set up.")?;
    Ok(())
}

/// Gives a user the password that comes on standard input.
///
/// # Errors
/// The server runs; there is no such user; the password is too short.
pub async fn reset_password(data: &Data, email: &str) -> anyhow::Result<()> {
    let opened = open(data, LogOptions::default()).context("the server must be stopped for this")?;
    let state = replay(opened.log.as_ref())?;
    let digest = opened.keys.email_digest(&state.system, email);
    let user = state.system.emails.get(&digest).copied();
    let Some((user, known)) = user.and_then(|user| Some((user, state.system.users.get(&user)?))) else {
        bail!("there is no user with this e-mail address");
    };
    write!(std::io::stderr(), "New password, 10 characters or more, then Enter: ")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let word = line.trim_end_matches(['\r', '\n']);
    check_password(word)?;
    let hash = password::hash_now(&Secret::new(word.to_owned())).map_err(|error| anyhow::anyhow!("hashing the password: {error}"))?;
    let version = known.password_version.unwrap_or(0) + 1;
    let _put = Secrets::new(opened.vault).put_password(user, version, &hash).await?;
    let log: Arc<dyn spunto_events::log::EventLog> = opened.log;
    let (journal, thread) = Journal::start(Arc::clone(&log), state.clone(), Feed::new(log));
    let set = AccountCommand::SetPassword { user, password_version: version, cause: PasswordCause::Reset };
    journal.submit(boot::operator(Command::Account(set))).await?;
    drop(journal);
    if thread.thread.join().is_err() {
        bail!("the log failed while writing; start the server and look whether the password is the new one");
    }
    writeln!(std::io::stdout(), "The password is set; every session of this user has ended.")?;
    Ok(())
}

/// Seals every secret with the current master key.
///
/// # Errors
/// The server runs; a secret does not open, as its key is not given.
pub fn reseal(data: &Data) -> anyhow::Result<()> {
    let opened = open(data, LogOptions::default()).context("the server must be stopped for this")?;
    let sealed = opened.vault.reseal()?;
    writeln!(
        std::io::stdout(),
        "{sealed} secrets are sealed with the current master key. Go on giving the older ones: who was known before is found by them."
    )?;
    Ok(())
}
