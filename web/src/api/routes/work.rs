//! Routes of workers and deployments.

use actix_web::http::Method;
use spunto_core::access::Permission as P;

use crate::api::past::Look;
use crate::api::{deployments, logs, workers};
use crate::ask::Page;
use crate::endpoint::{Endpoint, Rule};
use crate::openapi::doc::Doc;
use crate::view::reply::*;
use crate::view::unit::{DeploymentView, WorkerView};

const READ: Rule = Rule::Org(P::WORKERS_READ);
const WRITE: Rule = Rule::Org(P::WORKERS_WRITE);

pub(super) fn workers() -> Vec<Endpoint> {
    const WORKERS: &str = "/api/orgs/{org}/projects/{project}/workers";
    const WORKER: &str = "/api/orgs/{org}/projects/{project}/workers/{worker}";
    vec![
        Endpoint::new(Method::GET, "/api/orgs/{org}/workers", READ, workers::list_all).doc(
            Doc::of("workers.list_all", "Workers of all projects.")
                .query::<Page>()
                .query::<workers::Filter>()
                .query::<Look>()
                .gives::<PageOf<WorkerView>>(200),
        ),
        Endpoint::new(Method::GET, WORKERS, READ, workers::list)
            .doc(Doc::of("workers.list", "A project's workers.").query::<Page>().query::<Look>().gives::<PageOf<WorkerView>>(200)),
        Endpoint::new(Method::POST, WORKERS, WRITE, workers::create).doc(
            Doc::of("workers.create", "Places a worker on the least-loaded node at once, or says of each node why not.")
                .takes::<workers::NewWorker>()
                .gives::<WorkerReply>(201)
                .repeatable(),
        ),
        Endpoint::new(Method::GET, WORKER, READ, workers::get)
            .doc(Doc::of("workers.get", "A worker.").query::<Look>().gives::<WorkerView>(200)),
        Endpoint::new(Method::DELETE, WORKER, WRITE, workers::delete)
            .doc(Doc::of("workers.delete", "Removes it.").query::<workers::Force>().gives::<WorkerReply>(200).conditional()),
        Endpoint::new(Method::POST, "/api/orgs/{org}/projects/{project}/workers/{worker}/stop", WRITE, workers::stop)
            .doc(Doc::of("workers.stop", "Stops it.").gives::<WorkerReply>(200).conditional()),
        Endpoint::new(Method::POST, "/api/orgs/{org}/projects/{project}/workers/{worker}/start", WRITE, workers::start)
            .doc(Doc::of("workers.start", "Starts it again.").gives::<WorkerReply>(200).conditional()),
        Endpoint::new(Method::GET, "/api/orgs/{org}/projects/{project}/workers/{worker}/logs", READ, logs::of_worker)
            .doc(Doc::of("workers.logs", "Its output.").query::<logs::Which>().gives_text("text/plain")),
    ]
}

pub(super) fn deployments() -> Vec<Endpoint> {
    const DEPLOYMENTS: &str = "/api/orgs/{org}/projects/{project}/deployments";
    const DEPLOYMENT: &str = "/api/orgs/{org}/projects/{project}/deployments/{deployment}";
    const LOGS: &str = "/api/orgs/{org}/projects/{project}/deployments/{deployment}/services/{service}/logs";
    vec![
        Endpoint::new(Method::GET, "/api/orgs/{org}/deployments", READ, deployments::list_all).doc(
            Doc::of("deployments.list_all", "Deployments of all projects.")
                .query::<Page>()
                .query::<workers::Filter>()
                .query::<Look>()
                .gives::<PageOf<DeploymentView>>(200),
        ),
        Endpoint::new(Method::GET, DEPLOYMENTS, READ, deployments::list).doc(
            Doc::of("deployments.list", "A project's deployments.").query::<Page>().query::<Look>().gives::<PageOf<DeploymentView>>(200),
        ),
        Endpoint::new(Method::POST, DEPLOYMENTS, WRITE, deployments::create).doc(
            Doc::of("deployments.create", "Places services together on one node, on one network.")
                .takes::<deployments::NewDeployment>()
                .gives::<DeploymentReply>(201)
                .repeatable(),
        ),
        Endpoint::new(Method::GET, DEPLOYMENT, READ, deployments::get)
            .doc(Doc::of("deployments.get", "A deployment.").query::<Look>().gives::<DeploymentView>(200)),
        Endpoint::new(Method::DELETE, DEPLOYMENT, WRITE, deployments::delete).doc(
            Doc::of("deployments.delete", "Removes it.").query::<crate::api::workers::Force>().gives::<DeploymentReply>(200).conditional(),
        ),
        Endpoint::new(Method::POST, "/api/orgs/{org}/projects/{project}/deployments/{deployment}/stop", WRITE, deployments::stop)
            .doc(Doc::of("deployments.stop", "Stops its services.").gives::<DeploymentReply>(200).conditional()),
        Endpoint::new(Method::POST, "/api/orgs/{org}/projects/{project}/deployments/{deployment}/start", WRITE, deployments::start)
            .doc(Doc::of("deployments.start", "Starts them again.").gives::<DeploymentReply>(200).conditional()),
        Endpoint::new(Method::GET, LOGS, READ, logs::of_service)
            .doc(Doc::of("deployments.logs", "A service's output.").query::<logs::Which>().gives_text("text/plain")),
    ]
}
