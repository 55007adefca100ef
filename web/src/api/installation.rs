//! For the operator's command line: a backup of the running server, and what confirming a restored log means. For everybody who is
//! signed in: whether the server only observes.

use std::io::{self, Write};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use spunto_actors::random;
use spunto_actors::restoration;
use spunto_actors::secrets::Profile;
use spunto_core::command::{AccountCommand, Command, NodeCommand};
use spunto_core::difference::{Choices, Difference, Unknown};
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::Actor;
use spunto_core::refusal::Refusal;
use spunto_core::time::Timestamp;
use spunto_core::token::NodeToken;
use tokio::sync::{Semaphore, oneshot};

use super::raw::Chunks;
use crate::app::App;
use crate::problem::Problem;

/// Backups that are taken at a time: each reads the whole log from the disk.
const BACKUPS_MAX: usize = 1;

static BACKUPS: Semaphore = Semaphore::const_new(BACKUPS_MAX);

/// `GET /api/installation/backup`: a backup as of now; without its end it is none.
///
/// # Errors
/// Another is being taken.
pub async fn backup(app: Data<App>) -> Result<HttpResponse, Problem> {
    let busy = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", "another backup is being taken; try again when it is done");
    let permit = BACKUPS.try_acquire().map_err(|_| busy())?;
    let (mut out, receiver) = Chunks::new();
    let (told, whole) = oneshot::channel::<()>();
    let (backups, now) = (app.backups.clone(), app.now());
    tokio::task::spawn_blocking(move || {
        let taken = backups.take(env!("CARGO_PKG_VERSION"), now, &mut out);
        match taken.map_err(anyhow::Error::from).and_then(|manifest| out.flush().map(|()| manifest).map_err(Into::into)) {
            Ok(manifest) => {
                // Nobody is there to read any more: then nobody is to be told either.
                let _ = told.send(());
                tracing::info!(seq = manifest.seq, secrets = manifest.secrets, "a backup was taken");
            }
            // Whoever reads sees a backup without an end, and refuses it.
            Err(error) => tracing::warn!(error = format!("{error:#}"), "a backup was not taken to its end"),
        }
        drop(permit);
    });
    // One that was not taken to its end cuts the connection: whoever reads must not take it for whole.
    let chunks = stream::unfold((receiver, Some(whole)), |(mut receiver, mut whole)| async move {
        if let Some(chunk) = receiver.recv().await {
            return Some((Ok(Bytes::from(chunk)), (receiver, whole)));
        }
        match whole.take()?.await {
            Ok(()) => None,
            Err(_) => Some((Err(io::Error::other("a backup was not taken to its end")), (receiver, None))),
        }
    });
    Ok(HttpResponse::Ok().content_type("application/octet-stream").insert_header(("Cache-Control", "no-store")).streaming(Box::pin(chunks)))
}

/// What the operator chose of what can't be proven.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    keep_unseen: bool,
    keep_keys: bool,
    remove_unknown: bool,
}

impl From<Chosen> for Choices {
    fn from(Chosen { keep_unseen, keep_keys, remove_unknown }: Chosen) -> Self {
        Self { keep_unseen, keep_keys, remove_unknown }
    }
}

/// A difference by its digest.
#[derive(Deserialize)]
pub struct Digest {
    digest: String,
}

fn digest(difference: &Difference) -> Result<blake3::Hash, Problem> {
    Ok(blake3::hash(&serde_json::to_vec(difference).map_err(|error| Problem::fault(&error))?))
}

async fn look(app: &App, choices: Choices) -> Result<Difference, Problem> {
    let seen = restoration::look(&app.directory, &app.board, &app.accounts, choices).await;
    let mut seen = seen.ok_or_else(|| Problem::from(Refusal::NotObserving))?;
    for person in &mut seen.people {
        // Whose profile was left out of the backup is known by the id alone.
        let profile = app.secrets.profile(person.user, person.profile_version).await.ok();
        person.name = profile.map(|Profile { email, name }| format!("{name} <{email}>"));
    }
    Ok(seen)
}

/// `GET /api/installation/difference`: how the world differs from the restored log.
///
/// # Errors
/// The log is not a restored one that waits to be confirmed.
pub async fn difference(app: Data<App>, chosen: Query<Chosen>) -> Result<HttpResponse, Problem> {
    let difference = look(&app, chosen.into_inner().into()).await?;
    let digest = digest(&difference)?.to_hex();
    Ok(HttpResponse::Ok().json(json!({ "digest": digest.as_str(), "lines": difference.lines(), "difference": difference })))
}

/// `POST /api/installation/confirm`: lets the server act again, if the difference is the one that was looked at.
///
/// # Errors
/// It has changed since; the log does not wait to be confirmed; it can't be written.
pub async fn confirm(app: Data<App>, meant: Query<Digest>, chosen: Query<Chosen>) -> Result<HttpResponse, Problem> {
    let _one = app.versioning.lock().await;
    let difference = look(&app, chosen.into_inner().into()).await?;
    let now = digest(&difference)?;
    if now.to_hex().as_str() != meant.digest {
        let detail = "the difference has changed since you looked; look at it again, and confirm what it says now";
        let problem = Problem::new(StatusCode::CONFLICT, "difference_changed", detail);
        return Err(problem.with("digest", now.to_hex().as_str().into()).with("lines", json!(difference.lines())));
    }
    take_rights_away(&app, &difference).await?;
    let confirm = AccountCommand::ConfirmRestoration { difference: *now.as_bytes() };
    let committed = app.command_as(Actor::Operator, Command::Account(confirm)).await?;
    Ok(HttpResponse::Ok().json(json!({ "position": committed.position.to_string() })))
}

/// What must be true before anything acts: ended tokens, revoked keys, containers that stay. May be repeated.
async fn take_rights_away(app: &App, difference: &Difference) -> Result<(), Problem> {
    for node in &difference.nodes {
        if node.rotate {
            end_token(app, node.org, node.node).await?;
        }
        // A node that was not looked at keeps what its next inventory has: nobody has seen that.
        if node.inventoried {
            let keep = |unknown: &Unknown| (!difference.choices.remove_unknown).then(|| unknown.container.clone());
            let containers = node.unknown.iter().filter_map(keep).collect();
            let keep = NodeCommand::KeepContainers { containers };
            app.command_as(Actor::Operator, Command::Node(node.org, node.node, keep)).await?;
        }
    }
    if !difference.choices.keep_keys {
        for key in &difference.keys {
            let revoke = AccountCommand::RevokeApiKey { org: key.org, key: key.key };
            app.command_as(Actor::Operator, Command::Account(revoke)).await?;
        }
    }
    Ok(())
}

/// Rotates a token to one that nobody is told: its node is rotated again for a command.
async fn end_token(app: &App, org: OrgId, node: NodeId) -> Result<(), Problem> {
    let version = app.directory.read(|state| Some(state.orgs.get(&org)?.fleet.node(node)?.token.version)).ok_or_else(Problem::not_found)?;
    let token = NodeToken::new(org, node, random::bytes());
    let put = app.secrets.put_node_token(node, version + 1, &token.reveal()).await?;
    let rotate = NodeCommand::RotateToken { token_version: version + 1, token_digest: token.digest() };
    match app.command_as(Actor::Operator, Command::Node(org, node, rotate)).await {
        Ok(_) => Ok(()),
        Err(problem) => {
            app.take_back(put, &problem).await;
            // A node that is being deleted lets nobody in.
            if problem.code() == "node_deleting" { Ok(()) } else { Err(problem) }
        }
    }
}

/// Whether the server only observes.
#[derive(Serialize, JsonSchema)]
pub struct InstallationView {
    observing: bool,
    /// When the backup was made that the log was restored from, while the server observes.
    backup_taken_at: Option<Timestamp>,
}

/// `GET /api/installation`
pub async fn get(app: Data<App>) -> HttpResponse {
    let backup_taken_at = app.directory.read(|state| state.system.restoration.map(|restoration| restoration.taken_at));
    HttpResponse::Ok().json(InstallationView { observing: backup_taken_at.is_some(), backup_taken_at })
}
