//! For operators: whether the server lives, whether it can serve, and its counts.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::problem::Problem;
use crate::view::reply::{Health, Readiness};

/// `GET /healthz`: the process answers.
pub async fn healthy() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// `GET /readyz`: reads have caught up with the log.
pub async fn ready(app: Data<App>) -> HttpResponse {
    let (end, seen) = (app.directory.feed().position(), app.directory.read(|state| state.seq));
    let read_only = app.journal.room().err().map(|why| why.to_string());
    let body = Readiness { ready: seen >= end.seq, position: end.to_string(), behind: end.seq.saturating_sub(seen), read_only };
    if seen >= end.seq { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// `GET /metrics`: counts over all organisations, so only for callers on the same machine.
///
/// # Errors
/// Called from elsewhere.
pub async fn metrics(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    if !local || request.headers().contains_key("X-Forwarded-For") {
        return Err(Problem::not_found());
    }
    let text = app.metrics.text(app.directory.feed().position().seq, app.journal.room().is_ok(), app.accounts.last_sweeps().leftovers());
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}
