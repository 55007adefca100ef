//! A unit's output: the agent is asked to dial in with a stream of its own, which is handed through to the client.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::supervisor::OpenLogs;
use spunto_core::access::Permission;
use spunto_core::id::{NodeId, UnitId};

use super::projects;
use crate::agent::streams::Chunk;
use crate::app::App;
use crate::ask::Ask;
use crate::auth;
use crate::endpoint::Rule;
use crate::problem::Problem;

/// Lines from the end unless asked otherwise.
const TAIL_LINES: u32 = 200;
/// Most lines from the end.
const TAIL_LINES_MAX: u32 = 10_000;
/// How long the agent may take to dial in and send the first output.
const DIAL_WITHIN: Duration = Duration::from_secs(10);
/// How long an agent that has dialled in may take to say whether there is output to follow; older ones of quiet units say nothing.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// Which output.
#[derive(Deserialize, JsonSchema)]
pub struct Which {
    /// Lines from the end, 200 unless said; at most 10000.
    tail: Option<u32>,
    /// Go on with what comes.
    #[serde(default)]
    follow: bool,
}

/// `GET …/workers/{worker}/logs`: the last `tail` lines, with `follow=true` going on with what comes.
///
/// # Errors
/// There is none; its node is not connected; Docker's own reason.
pub async fn of_worker(
    app: Data<App>,
    ask: Ask,
    request: HttpRequest,
    path: Path<(String, String, String)>,
    which: Query<Which>,
) -> Result<HttpResponse, Problem> {
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    let worker = path.2.parse().map_err(|_| Problem::not_found())?;
    let node = app.directory.read(|state| {
        let known = state.orgs.get(&org)?.workers.get(&worker)?;
        (known.project == project).then_some(known.unit.node)
    });
    stream_of(&app, &request, node.ok_or_else(Problem::not_found)?, UnitId::Worker(worker), &which).await
}

/// `GET …/deployments/{deployment}/services/{service}/logs`: as of a worker.
///
/// # Errors
/// As of a worker.
pub async fn of_service(
    app: Data<App>,
    ask: Ask,
    request: HttpRequest,
    path: Path<(String, String, String, String)>,
    which: Query<Which>,
) -> Result<HttpResponse, Problem> {
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    let (deployment, service) = (path.2.parse().map_err(|_| Problem::not_found())?, path.3.parse().map_err(|_| Problem::not_found())?);
    let node = app.directory.read(|state| {
        let known = state.orgs.get(&org)?.deployments.get(&deployment)?;
        known.services.get(&service).filter(|_| known.project == project).map(|service| service.unit.node)
    });
    stream_of(&app, &request, node.ok_or_else(Problem::not_found)?, UnitId::Service(service), &which).await
}

async fn stream_of(app: &Data<App>, request: &HttpRequest, node: NodeId, unit: UnitId, which: &Which) -> Result<HttpResponse, Problem> {
    let away = || Problem::new(StatusCode::CONFLICT, "node_not_online", "its node is not connected; the output is there when it is back");
    let supervisor = app.supervisors.find(node).ok_or_else(away)?;
    let (stream, mut chunks) = app.streams.expect(node)?;
    let tail = which.tail.unwrap_or(TAIL_LINES).min(TAIL_LINES_MAX);
    let open = OpenLogs { stream: stream.id().to_owned(), unit, tail, follow: which.follow };
    supervisor.send(open).await.map_err(|_| away())?.map_err(|_| away())?;
    // What comes after the agent has dialled in is waited for, so that a failure is an answer of its own.
    let wait = async {
        match chunks.recv().await {
            Some(Chunk::Open) if which.follow => tokio::time::timeout(BEGIN_WITHIN, chunks.recv()).await.unwrap_or(Some(Chunk::Open)),
            Some(Chunk::Open) => chunks.recv().await,
            first => first,
        }
    };
    let first = tokio::time::timeout(DIAL_WITHIN, wait).await.map_err(|_| {
        let detail = "the agent did not send the output in time; its own log says why";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "agent_did_not_answer", detail)
    })?;
    let first = match first {
        Some(Chunk::Failed(message)) => return Err(Problem::new(StatusCode::BAD_GATEWAY, "logs_unavailable", message)),
        Some(chunk) => stream::iter(Some(chunk)),
        None => stream::iter(None),
    };
    let asked = (app.clone(), request.clone());
    let rest = stream::unfold((chunks, stream, asked), |(mut chunks, stream, asked)| async move {
        let chunk = chunks.recv().await?;
        // Whoever lost the right to look sees nothing more, from this very chunk on.
        let allowed = auth::still_allowed(&asked.0, &asked.1, Rule::Org(Permission::WORKERS_READ));
        allowed.then_some((chunk, (chunks, stream, asked)))
    });
    let body = first.chain(rest).filter_map(|chunk| async move {
        match chunk {
            Chunk::Open => None,
            Chunk::Output(bytes) if bytes.is_empty() => None,
            Chunk::Output(bytes) => Some(Ok::<Bytes, std::convert::Infallible>(bytes)),
            Chunk::Failed(message) => Some(Ok(Bytes::from(format!("\nspunto: the output ends here: {message}\n")))),
        }
    });
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").insert_header(("X-Accel-Buffering", "no")).streaming(Box::pin(body)))
}
