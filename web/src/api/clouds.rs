//! What providers are there, what they offer to a credential, and what they hold of ours that nobody needs.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spunto_actors::cloud::{Architecture, Fault, PROVIDERS};
use spunto_actors::provisioner::{accounts, sweep};
use spunto_core::command::{Command, CredentialCommand};

use super::credentials::{CredentialPath, no_account, parse, refused};
use crate::app::App;
use crate::ask::{Ask, Body, written};
use crate::problem::Problem;
use crate::view::cloud::{ImageView, LocationView, MachineTypeView, OffersOf, ProvidersView, SweepView};
use crate::view::reply::Done;

/// `GET /api/providers`
///
/// # Errors
/// There is none.
pub async fn providers() -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(ProvidersView { items: PROVIDERS.iter().map(Into::into).collect() }))
}

/// A list of what is offered: from a moment ago, where it is still good.
async fn offered<T: Serialize, F>(app: &App, ask: &Ask, path: &CredentialPath, what: String, fetch: F) -> Result<HttpResponse, Problem>
where
    F: AsyncFnOnce(&accounts::Account) -> Result<Vec<T>, Fault>,
{
    let (org, credential) = (ask.org()?, parse(&path.1)?);
    let version = app.directory.read(|state| Some(state.orgs.get(&org)?.credentials.get(&credential)?.version));
    let key = (credential, version.ok_or_else(Problem::not_found)?, what);
    let now = app.now();
    if let Some(kept) = app.offers.find(&key, now) {
        return Ok(HttpResponse::Ok().json(kept));
    }
    let account = app.accounts.open(org, credential).await.map_err(no_account)?;
    let _room = account.room.acquire().await.ok();
    let items = fetch(&account).await.map_err(|fault| refused(&fault))?;
    let list = serde_json::to_value(OffersOf { items, asked_at: now }).map_err(|error| Problem::fault(&error))?;
    app.offers.keep(key, now, list.clone());
    Ok(HttpResponse::Ok().json(list))
}

/// `GET …/credentials/{credential}/locations`
///
/// # Errors
/// The provider's, in its words.
pub async fn locations(app: Data<App>, ask: Ask, path: CredentialPath) -> Result<HttpResponse, Problem> {
    let fetch = async |account: &accounts::Account| {
        let found = account.provider.locations().await?;
        Ok(found.into_iter().map(LocationView::from).collect::<Vec<_>>())
    };
    offered(&app, &ask, &path, "locations".to_owned(), fetch).await
}

/// `GET …/credentials/{credential}/locations/{location}/machine-types`
///
/// # Errors
/// The provider's, in its words.
pub async fn machine_types(app: Data<App>, ask: Ask, path: Path<(String, String, String)>) -> Result<HttpResponse, Problem> {
    let (org, credential, location) = path.into_inner();
    let path = CredentialPath::from((org, credential));
    spunto_core::name::check_choice("location", &location)
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", error.to_string()))?;
    let what = format!("machine-types {location}");
    let fetch = async |account: &accounts::Account| {
        let found = account.provider.machine_types(&location).await?;
        Ok(found.into_iter().map(MachineTypeView::from).collect::<Vec<_>>())
    };
    offered(&app, &ask, &path, what, fetch).await
}

/// For which processors.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Processor {
    /// Intel and AMD.
    #[default]
    X86,
    /// ARM64.
    Arm,
}

/// For which machines.
#[derive(Deserialize, JsonSchema)]
pub struct For {
    /// `x86` unless said.
    #[serde(default)]
    architecture: Processor,
}

/// `GET …/credentials/{credential}/images?architecture=…`
///
/// # Errors
/// The provider's, in its words.
pub async fn images(app: Data<App>, ask: Ask, path: CredentialPath, wanted: Query<For>) -> Result<HttpResponse, Problem> {
    let (architecture, what) = match wanted.architecture {
        Processor::X86 => (Architecture::X86, "images x86"),
        Processor::Arm => (Architecture::Arm, "images arm"),
    };
    let fetch = async |account: &accounts::Account| {
        let found = account.provider.images(architecture).await?;
        Ok(found.into_iter().map(ImageView::from).collect::<Vec<_>>())
    };
    offered(&app, &ask, &path, what.to_owned(), fetch).await
}

/// How much is told.
#[derive(Deserialize, JsonSchema)]
pub struct Extent {
    /// What nodes need, too.
    #[serde(default)]
    all: bool,
}

/// `GET …/credentials/{credential}/leftovers`: what is ours at the provider by its label, and that no node needs.
///
/// # Errors
/// The provider's, in its words.
pub async fn leftovers(app: Data<App>, ask: Ask, path: CredentialPath, extent: Query<Extent>) -> Result<HttpResponse, Problem> {
    let (org, credential) = (ask.org()?, parse(&path.1)?);
    let asked_at = app.now();
    let found = sweep::report(&app.accounts, &app.directory, org, credential).await.map_err(no_account)?;
    let known = found.iter().filter(|(_, standing)| standing.is_known()).count();
    let items = found.into_iter().filter(|(_, standing)| extent.all || !standing.is_known()).map(Into::into).collect();
    Ok(HttpResponse::Ok().json(SweepView { items, known, asked_at }))
}

/// What is to go.
#[derive(Deserialize, JsonSchema)]
pub struct Unneeded {
    /// As the sweep names it.
    reference: String,
}

/// `POST …/credentials/{credential}/leftovers/remove`: looks again, writes down who wants it, and asks the provider.
///
/// # Errors
/// It is not there, or a node needs it; the provider's, in its words.
pub async fn remove_leftover(app: Data<App>, mut ask: Ask, path: CredentialPath, body: Body<Unneeded>) -> Result<HttpResponse, Problem> {
    let Unneeded { reference } = body.split(&mut ask);
    // A repeat must ask the provider again: the answer to the first may have been lost with what it did.
    ask.idempotency = None;
    let (org, credential) = (ask.org()?, parse(&path.1)?);
    let found = sweep::report(&app.accounts, &app.directory, org, credential).await.map_err(no_account)?;
    let (resource, standing) = found.into_iter().find(|(found, _)| found.reference == reference).ok_or_else(Problem::not_found)?;
    if standing.is_known() {
        let detail = "this is the machine of a node; delete the node, and it goes with it";
        return Err(Problem::new(StatusCode::CONFLICT, "leftover_needed", detail));
    }
    let (name, node) = (resource.name.clone(), resource.node);
    let command = CredentialCommand::RemoveLeftover { reference, name, node };
    let committed = app.command(&ask, Command::Credential(org, credential, command)).await?;
    sweep::remove(&app.accounts, org, credential, &resource).await.map_err(no_account)?;
    Ok(written(StatusCode::OK, &committed, |position| Done { position }))
}
