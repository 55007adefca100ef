//! Routes for browsers, operators and agents.

use actix_web::http::Method;

use crate::agent;
use crate::api::installation::InstallationView;
use crate::api::{description, health, installation};
use crate::endpoint::{Endpoint, Rule};
use crate::openapi::doc::Doc;
use crate::view::reply::{Health, Readiness};

pub(super) fn edges() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/openapi.json", Rule::Public, description::document)
            .doc(Doc::of("description.document", "This document.").gives::<serde_json::Value>(200)),
        Endpoint::new(Method::GET, "/api/docs", Rule::Public, description::page)
            .doc(Doc::of("description.page", "This document as a page.").gives_text("text/html")),
        Endpoint::new(Method::GET, "/api/docs.css", Rule::Public, description::style)
            .doc(Doc::of("description.style", "The page's style.").gives_text("text/css")),
        Endpoint::new(Method::GET, "/healthz", Rule::Public, health::healthy)
            .doc(Doc::of("health.alive", "Whether the process answers.").gives::<Health>(200)),
        Endpoint::new(Method::GET, "/readyz", Rule::Public, health::ready)
            .doc(Doc::of("health.ready", "Whether reads have caught up with the log.").gives::<Readiness>(200).gives::<Readiness>(503)),
        Endpoint::new(Method::GET, "/metrics", Rule::Public, health::metrics)
            .doc(Doc::of("health.metrics", "Counts in Prometheus' format; only for callers on the same machine.").gives_text("text/plain")),
        Endpoint::new(Method::GET, "/api/installation", Rule::SignedIn, installation::get).doc(
            Doc::of(
                "installation.get",
                "Whether the server only observes, as its log was restored from a backup and nobody has confirmed it.",
            )
            .gives::<InstallationView>(200),
        ),
        Endpoint::new(Method::GET, "/api/installation/backup", Rule::Operator, installation::backup),
        Endpoint::new(Method::GET, "/api/installation/difference", Rule::Operator, installation::difference),
        Endpoint::new(Method::POST, "/api/installation/confirm", Rule::Operator, installation::confirm),
        Endpoint::new(Method::GET, "/api/agent/connect", Rule::Agent, agent::connect::connect),
        Endpoint::new(Method::GET, "/api/agent/streams/{stream}", Rule::Agent, agent::streams::dial),
        Endpoint::new(Method::GET, "/api/agent/check", Rule::Agent, agent::connect::check),
        Endpoint::new(Method::POST, "/api/agent/enrol", Rule::Agent, agent::enrol::enrol),
        Endpoint::new(Method::POST, "/api/agent/progress", Rule::Agent, agent::enrol::progress),
    ]
}
