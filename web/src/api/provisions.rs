//! Nodes whose machine a cloud makes: created with what is wanted, and retried.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::journal::Committed;
use spunto_actors::random;
use spunto_core::command::{Command, ProvisionCommand};
use spunto_core::event::MachineWish;
use spunto_core::id::{CredentialId, NodeId, OrgId};
use spunto_core::state::Provision;
use spunto_core::token::{EnrolmentToken, NodeToken};

use super::nodes::{find, parse};
use crate::app::App;
use crate::ask::{Ask, Body, written};
use crate::problem::Problem;
use crate::view::reply::NodeReply;

/// What machine is wanted; its provider is that of the credential.
#[derive(Deserialize, JsonSchema)]
pub struct Cloud {
    credential: CredentialId,
    /// A location's id.
    location: String,
    /// A machine type's id.
    machine_type: String,
    /// An image's id.
    image: String,
}

fn provider_of(app: &App, org: OrgId, credential: CredentialId) -> Result<String, Problem> {
    let found = app.directory.read(|state| Some(state.orgs.get(&org)?.credentials.get(&credential)?.provider.clone()));
    found.ok_or_else(|| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_credential", "there is no such credential; add one first"))
}

/// Makes a node known and begins its first attempt. The machine follows; the node's page shows how far it is.
pub(super) async fn create(
    app: &App,
    ask: &Ask,
    name: String,
    labels: BTreeMap<String, String>,
    cloud: Cloud,
) -> Result<(NodeId, Committed), Problem> {
    let org = ask.org()?;
    let provider = provider_of(app, org, cloud.credential)?;
    let wish = MachineWish { provider, location: cloud.location, machine_type: cloud.machine_type, image: cloud.image };
    let token = NodeToken::new(org, NodeId::from_u64(random::number()), random::bytes());
    let enrolment = EnrolmentToken::new(org, token.node, random::bytes());
    let node = token.node;
    let put = [app.secrets.put_node_token(node, 1, &token.reveal()).await?, app.secrets.put_enrolment(node, 1, &enrolment.reveal()).await?];
    let (token_digest, enrolment_digest) = (token.digest(), enrolment.digest());
    let command = ProvisionCommand::Create { name, labels, token_digest, wish, credential: cloud.credential, enrolment_digest };
    match app.command(ask, Command::Provision(org, node, command)).await {
        Ok(committed) if committed.repeated => {
            for put in put {
                app.secrets.take_back(put).await;
            }
            Ok((node, committed))
        }
        Ok(committed) => Ok((node, committed)),
        Err(problem) => {
            for put in put {
                app.take_back(put, &problem).await;
            }
            Err(problem)
        }
    }
}

/// What is wanted otherwise than last time; what is left out stays.
#[derive(Deserialize, JsonSchema)]
pub struct Otherwise {
    credential: Option<CredentialId>,
    /// A location's id.
    location: Option<String>,
    /// A machine type's id.
    machine_type: Option<String>,
    /// An image's id.
    image: Option<String>,
}

impl Otherwise {
    fn applied(self, app: &App, org: OrgId, before: &Provision) -> Result<(MachineWish, CredentialId), Problem> {
        let credential = self.credential.unwrap_or(before.credential);
        let wish = &before.wish;
        let wish = MachineWish {
            provider: provider_of(app, org, credential)?,
            location: self.location.unwrap_or_else(|| wish.location.clone()),
            machine_type: self.machine_type.unwrap_or_else(|| wish.machine_type.clone()),
            image: self.image.unwrap_or_else(|| wish.image.clone()),
        };
        Ok((wish, credential))
    }
}

/// `POST …/nodes/{node}/retry`: another attempt on the same node; what an earlier one left at the provider is removed first.
///
/// # Errors
/// The node's provision has not failed; the credential is gone.
pub async fn retry(app: Data<App>, mut ask: Ask, path: Path<(String, String)>, body: Body<Otherwise>) -> Result<HttpResponse, Problem> {
    let otherwise = body.split(&mut ask);
    let (org, node) = (ask.org()?, parse(&path.1)?);
    let _one_at_a_time = app.versioning.lock().await;
    let known = app.directory.read(|state| {
        let known = state.orgs.get(&org)?.fleet.node(node)?;
        Some((known.provision.as_deref().cloned(), known.token.version))
    });
    let (provision, version) = known.ok_or_else(Problem::not_found)?;
    let before = provision.ok_or_else(|| Problem::from(spunto_core::refusal::Refusal::NotACloudNode))?;
    let (wish, credential) = otherwise.applied(&app, org, &before)?;
    let (attempt, token_version) = (before.attempt.saturating_add(1), version + 1);
    let (token, enrolment) = (NodeToken::new(org, node, random::bytes()), EnrolmentToken::new(org, node, random::bytes()));
    let put = [
        app.secrets.put_node_token(node, token_version, &token.reveal()).await?,
        app.secrets.put_enrolment(node, attempt, &enrolment.reveal()).await?,
    ];
    let (token_digest, enrolment_digest) = (token.digest(), enrolment.digest());
    let command = ProvisionCommand::Retry { attempt, wish, credential, enrolment_digest, token_version, token_digest };
    match app.command(&ask, Command::Provision(org, node, command)).await {
        Ok(committed) => {
            if committed.repeated {
                for put in put {
                    app.secrets.take_back(put).await;
                }
            }
            let node = find(&app, org, node);
            Ok(written(StatusCode::OK, &committed, |position| NodeReply { node, position }))
        }
        Err(problem) => {
            for put in put {
                app.take_back(put, &problem).await;
            }
            Err(problem)
        }
    }
}
