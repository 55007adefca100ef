//! The HTTP API: every endpoint with its rule. What each does is in the file of its noun.

use actix_web::http::Method;
use spunto_core::access::Permission as P;

use crate::endpoint::{Endpoint, Rule};
use crate::{agent, pages};

pub mod deployments;
pub mod events;
pub mod health;
pub mod keys;
pub mod logs;
pub mod members;
pub mod nodes;
pub mod operations;
pub mod orgs;
pub mod projects;
pub mod session;
pub mod setup;
pub mod units;
pub mod workers;

/// Every endpoint.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let mut all = accounts();
    all.extend(fleet());
    all.extend(work());
    all.extend(edges());
    all
}

fn accounts() -> Vec<Endpoint> {
    let (get, post, patch, delete) = (|| Method::GET, || Method::POST, || Method::PATCH, || Method::DELETE);
    vec![
        Endpoint::new(get(), "/api/setup", Rule::Public, setup::needed),
        Endpoint::new(post(), "/api/setup", Rule::Public, setup::first_owner),
        Endpoint::new(post(), "/api/session", Rule::Public, session::sign_in),
        Endpoint::new(get(), "/api/session", Rule::SignedIn, session::who),
        Endpoint::new(delete(), "/api/session", Rule::Person, session::sign_out),
        Endpoint::new(post(), "/api/session/password", Rule::Person, session::change_password),
        Endpoint::new(post(), "/api/invitations/accept", Rule::Public, members::accept),
        Endpoint::new(get(), "/api/orgs", Rule::SignedIn, orgs::list),
        Endpoint::new(post(), "/api/orgs", Rule::Person, orgs::create),
        Endpoint::new(get(), "/api/orgs/{org}", Rule::Org(P::PROJECTS_READ), orgs::get),
        Endpoint::new(patch(), "/api/orgs/{org}", Rule::Org(P::ORG_WRITE), orgs::rename),
        Endpoint::new(get(), "/api/orgs/{org}/members", Rule::Org(P::MEMBERS_READ), members::list),
        Endpoint::new(post(), "/api/orgs/{org}/members", Rule::Org(P::MEMBERS_WRITE), members::invite),
        Endpoint::new(patch(), "/api/orgs/{org}/members/{user}", Rule::Org(P::MEMBERS_WRITE), members::change_role),
        Endpoint::new(delete(), "/api/orgs/{org}/members/{user}", Rule::Org(P::MEMBERS_WRITE), members::remove),
        Endpoint::new(get(), "/api/orgs/{org}/projects", Rule::Org(P::PROJECTS_READ), projects::list),
        Endpoint::new(post(), "/api/orgs/{org}/projects", Rule::Org(P::PROJECTS_WRITE), projects::create),
        Endpoint::new(get(), "/api/orgs/{org}/projects/{project}", Rule::Org(P::PROJECTS_READ), projects::get),
        Endpoint::new(patch(), "/api/orgs/{org}/projects/{project}", Rule::Org(P::PROJECTS_WRITE), projects::rename),
        Endpoint::new(delete(), "/api/orgs/{org}/projects/{project}", Rule::Org(P::PROJECTS_WRITE), projects::delete),
        Endpoint::new(get(), "/api/orgs/{org}/keys", Rule::Org(P::KEYS_READ), keys::list),
        Endpoint::new(post(), "/api/orgs/{org}/keys", Rule::Org(P::KEYS_WRITE), keys::create),
        Endpoint::new(delete(), "/api/orgs/{org}/keys/{key}", Rule::Org(P::KEYS_WRITE), keys::revoke),
    ]
}

fn fleet() -> Vec<Endpoint> {
    let (get, post, patch, delete) = (|| Method::GET, || Method::POST, || Method::PATCH, || Method::DELETE);
    let (read, write) = (Rule::Org(P::NODES_READ), Rule::Org(P::NODES_WRITE));
    vec![
        Endpoint::new(get(), "/api/orgs/{org}/nodes", read, nodes::list),
        Endpoint::new(post(), "/api/orgs/{org}/nodes", write, nodes::create),
        Endpoint::new(get(), "/api/orgs/{org}/nodes/{node}", read, nodes::get),
        Endpoint::new(patch(), "/api/orgs/{org}/nodes/{node}", write, nodes::update),
        Endpoint::new(delete(), "/api/orgs/{org}/nodes/{node}", write, operations::delete),
        Endpoint::new(post(), "/api/orgs/{org}/nodes/{node}/drain", write, operations::drain),
        Endpoint::new(post(), "/api/orgs/{org}/nodes/{node}/undrain", write, operations::undrain),
        Endpoint::new(post(), "/api/orgs/{org}/nodes/{node}/maintenance", write, operations::start_maintenance),
        Endpoint::new(delete(), "/api/orgs/{org}/nodes/{node}/maintenance", write, operations::end_maintenance),
        Endpoint::new(post(), "/api/orgs/{org}/nodes/{node}/rotate-token", write, operations::rotate_token),
        Endpoint::new(get(), "/api/orgs/{org}/nodes/{node}/events", Rule::Org(P::EVENTS_READ), events::of_node),
        Endpoint::new(get(), "/api/orgs/{org}/nodes/{node}/gauges", read, nodes::gauges),
        Endpoint::new(get(), "/api/orgs/{org}/events", Rule::Org(P::EVENTS_READ), events::of_org),
    ]
}

fn work() -> Vec<Endpoint> {
    let (get, post, delete) = (|| Method::GET, || Method::POST, || Method::DELETE);
    let (read, write) = (Rule::Org(P::WORKERS_READ), Rule::Org(P::WORKERS_WRITE));
    const WORKERS: &str = "/api/orgs/{org}/projects/{project}/workers";
    const WORKER: &str = "/api/orgs/{org}/projects/{project}/workers/{worker}";
    const DEPLOYMENTS: &str = "/api/orgs/{org}/projects/{project}/deployments";
    const DEPLOYMENT: &str = "/api/orgs/{org}/projects/{project}/deployments/{deployment}";
    vec![
        Endpoint::new(get(), "/api/orgs/{org}/workers", read, workers::list_all),
        Endpoint::new(get(), WORKERS, read, workers::list),
        Endpoint::new(post(), WORKERS, write, workers::create),
        Endpoint::new(get(), WORKER, read, workers::get),
        Endpoint::new(delete(), WORKER, write, workers::delete),
        Endpoint::new(post(), "/api/orgs/{org}/projects/{project}/workers/{worker}/stop", write, workers::stop),
        Endpoint::new(post(), "/api/orgs/{org}/projects/{project}/workers/{worker}/start", write, workers::start),
        Endpoint::new(get(), "/api/orgs/{org}/projects/{project}/workers/{worker}/logs", read, logs::of_worker),
        Endpoint::new(get(), "/api/orgs/{org}/projects/{project}/workers/{worker}/events", Rule::Org(P::EVENTS_READ), events::of_worker),
        Endpoint::new(get(), DEPLOYMENTS, read, deployments::list),
        Endpoint::new(post(), DEPLOYMENTS, write, deployments::create),
        Endpoint::new(get(), DEPLOYMENT, read, deployments::get),
        Endpoint::new(delete(), DEPLOYMENT, write, deployments::delete),
        Endpoint::new(post(), "/api/orgs/{org}/projects/{project}/deployments/{deployment}/stop", write, deployments::stop),
        Endpoint::new(post(), "/api/orgs/{org}/projects/{project}/deployments/{deployment}/start", write, deployments::start),
        Endpoint::new(get(), "/api/orgs/{org}/projects/{project}/deployments/{deployment}/services/{service}/logs", read, logs::of_service),
    ]
}

fn edges() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/", Rule::Public, pages::page),
        Endpoint::new(Method::GET, "/setup", Rule::Public, pages::page),
        Endpoint::new(Method::GET, "/invitation", Rule::Public, pages::page),
        Endpoint::new(Method::GET, "/page.js", Rule::Public, pages::script),
        Endpoint::new(Method::GET, "/page.css", Rule::Public, pages::style),
        Endpoint::new(Method::GET, "/healthz", Rule::Public, health::healthy),
        Endpoint::new(Method::GET, "/readyz", Rule::Public, health::ready),
        Endpoint::new(Method::GET, "/metrics", Rule::Public, health::metrics),
        Endpoint::new(Method::GET, "/api/agent/connect", Rule::Agent, agent::connect::connect),
        Endpoint::new(Method::GET, "/api/agent/streams/{stream}", Rule::Agent, agent::streams::dial),
        Endpoint::new(Method::GET, "/api/agent/check", Rule::Agent, agent::connect::check),
    ]
}
