//! Credentials at clouds: verified at the provider before they are kept, named, and never shown again.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use spunto_actors::cloud::{Fault, FaultKind};
use spunto_actors::provisioner::accounts::AccountError;
use spunto_actors::random;
use spunto_core::command::{Command, CredentialCommand};
use spunto_core::id::{CredentialId, OrgId};
use spunto_core::secret::Secret;
use spunto_core::token::fingerprint;

use super::operations::Force;
use crate::app::App;
use crate::ask::{Ask, Body, Page, written};
use crate::problem::Problem;
use crate::view::cloud::CredentialView;
use crate::view::reply::{CredentialReply, Done};

/// Longest secret of a credential, in bytes: a Google key takes 2,400.
const SECRET_BYTES_MAX: usize = 16 * 1024;

/// A credential that is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct NewCredential {
    name: String,
    /// The provider's name.
    provider: String,
    /// What the provider gave: a token, or a key file's whole text.
    secret: String,
}

/// Another secret for a credential.
#[derive(Deserialize, JsonSchema)]
pub struct NewSecret {
    /// What the provider gave, of the same account.
    secret: String,
}

/// The path of one credential.
pub(super) type CredentialPath = Path<(String, String)>;

/// The credential of a path.
pub(super) fn parse(path: &str) -> Result<CredentialId, Problem> {
    path.parse().map_err(|_| Problem::not_found())
}

/// A provider's fault as an answer: in its words, with what to do.
pub(super) fn refused(fault: &Fault) -> Problem {
    let (status, code) = match fault.kind {
        FaultKind::CredentialDenied | FaultKind::Forbidden => (StatusCode::UNPROCESSABLE_ENTITY, "credential_refused"),
        FaultKind::RateLimited { .. } | FaultKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable"),
        _ => (StatusCode::BAD_GATEWAY, "provider_refused"),
    };
    Problem::new(status, code, fault.to_string())
        .with("class", json!(fault.class()))
        .with("provider_message", json!(fault.message))
        .with("provider_code", json!(fault.code))
        .with("provider_request", json!(fault.request_id))
        .with("next_step", json!(fault.next_step))
}

/// Why there is no account to ask.
pub(super) fn no_account(error: AccountError) -> Problem {
    match error {
        AccountError::Gone => Problem::not_found(),
        AccountError::UnknownProvider(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_provider", error.to_string()),
        AccountError::Secrets(error) => error.into(),
        AccountError::Fault(fault) => refused(&fault),
    }
}

/// A secret that the provider accepts, and whose it is.
async fn verified(app: &App, provider: &str, secret: String) -> Result<(Secret<String>, Option<String>), Problem> {
    let secret = secret.trim().to_owned();
    if !(1..=SECRET_BYTES_MAX).contains(&secret.len()) {
        let detail = format!("a secret has 1 to {SECRET_BYTES_MAX} bytes; paste what the provider gave, whole");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", detail));
    }
    let secret = Secret::new(secret);
    let account = app.accounts.try_out(provider, secret.clone()).map_err(no_account)?;
    let account = account.verify().await.map_err(|fault| refused(&fault))?;
    Ok((secret, account.name))
}

fn find(app: &App, org: OrgId, credential: CredentialId) -> Option<CredentialView> {
    let view = app.view();
    let known = view.state.orgs.get(&org)?;
    known.credentials.get(&credential).map(|found| CredentialView::new(known, credential, found, app.accounts.last_sweeps().of(credential)))
}

/// `GET …/credentials`
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let org = view.state.orgs.get(&ask.org()?).ok_or_else(Problem::not_found)?;
    let shown = |(id, known): (&CredentialId, &spunto_core::state::Credential)| {
        (*id, CredentialView::new(org, *id, known, app.accounts.last_sweeps().of(*id)))
    };
    let page = page.cut(org.credentials.iter().map(shown))?;
    Ok(HttpResponse::Ok().json(page))
}

/// `POST …/credentials`: the provider is asked first.
///
/// # Errors
/// The provider does not accept it, in its words; a bad or taken name.
pub async fn create(app: Data<App>, mut ask: Ask, body: Body<NewCredential>) -> Result<HttpResponse, Problem> {
    let NewCredential { name, provider, secret } = body.split(&mut ask);
    // What a request asked is remembered by its hash, which a secret is not to be a part of.
    ask.idempotency = None;
    let org = ask.org()?;
    let (secret, account) = verified(&app, &provider, secret).await?;
    let credential = CredentialId::from_u64(random::number());
    let put = app.secrets.put_credential(credential, 1, &secret).await?;
    let fingerprint = fingerprint(secret.expose().as_bytes());
    let command = CredentialCommand::Add { provider, name, fingerprint, account };
    match app.command(&ask, Command::Credential(org, credential, command)).await {
        Ok(committed) => {
            let credential = find(&app, org, credential);
            Ok(written(StatusCode::CREATED, &committed, |position| CredentialReply { credential, position }))
        }
        Err(problem) => {
            app.take_back(put, &problem).await;
            Err(problem)
        }
    }
}

/// `PUT …/credentials/{credential}/secret`: what waits for a secret that works goes on with it at once.
///
/// # Errors
/// The provider does not accept it; it is of another account.
pub async fn replace(app: Data<App>, mut ask: Ask, path: CredentialPath, body: Body<NewSecret>) -> Result<HttpResponse, Problem> {
    let NewSecret { secret } = body.split(&mut ask);
    ask.idempotency = None;
    let (org, credential) = (ask.org()?, parse(&path.1)?);
    let known = |app: &App| {
        let view = app.view();
        let found = view.state.orgs.get(&org)?.credentials.get(&credential)?;
        Some((found.provider.clone(), found.version))
    };
    let (provider, _) = known(&app).ok_or_else(Problem::not_found)?;
    let (secret, account) = verified(&app, &provider, secret).await?;
    let _one_at_a_time = app.versioning.lock().await;
    let version = known(&app).ok_or_else(Problem::not_found)?.1 + 1;
    let put = app.secrets.put_credential(credential, version, &secret).await?;
    let fingerprint = fingerprint(secret.expose().as_bytes());
    let command = CredentialCommand::Replace { version, fingerprint, account };
    match app.command(&ask, Command::Credential(org, credential, command)).await {
        Ok(committed) => {
            let credential = find(&app, org, credential);
            Ok(written(StatusCode::OK, &committed, |position| CredentialReply { credential, position }))
        }
        Err(problem) => {
            app.take_back(put, &problem).await;
            Err(problem)
        }
    }
}

/// `DELETE …/credentials/{credential}`: with `?force=true` machines that need it are given up, and each says so.
///
/// # Errors
/// Machines need it, and the call is not forced.
pub async fn delete(app: Data<App>, ask: Ask, path: CredentialPath, force: Query<Force>) -> Result<HttpResponse, Problem> {
    let (org, credential) = (ask.org()?, parse(&path.1)?);
    let command = CredentialCommand::Delete { forced: force.force() };
    let committed = app.command(&ask, Command::Credential(org, credential, command)).await?;
    Ok(written(StatusCode::OK, &committed, |position| Done { position }))
}
