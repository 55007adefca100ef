//! Routes of nodes and of the log.

use actix_web::http::Method;
use spunto_core::access::Permission as P;

use crate::api::past::{self, Look};
use crate::api::{audit, events, live, nodes, operations, provisions, raw};
use crate::ask::Page;
use crate::endpoint::{Endpoint, Rule};
use crate::openapi::doc::Doc;
use crate::view::event::{AuditEntry, EventView};
use crate::view::live::Changes;
use crate::view::node::NodeView;
use crate::view::past::StoryView;
use crate::view::reply::*;

const NODE: &str = "/api/orgs/{org}/nodes/{node}";
const READ: Rule = Rule::Org(P::NODES_READ);
const WRITE: Rule = Rule::Org(P::NODES_WRITE);

pub(super) fn nodes() -> Vec<Endpoint> {
    const NODES: &str = "/api/orgs/{org}/nodes";
    vec![
        Endpoint::new(Method::GET, NODES, READ, nodes::list)
            .doc(Doc::of("nodes.list", "The organisation's nodes.").query::<Page>().query::<Look>().gives::<PageOf<NodeView>>(200)),
        Endpoint::new(Method::POST, NODES, WRITE, nodes::create).doc(
            Doc::of(
                "nodes.create",
                "Makes a node; token and command are shown this once. With `cloud` a machine is made for it, and there is no command.",
            )
            .takes::<nodes::NewNode>()
            .gives::<NodeCreated>(201)
            .repeatable(),
        ),
        Endpoint::new(Method::GET, NODE, READ, nodes::get).doc(Doc::of("nodes.get", "A node.").query::<Look>().gives::<NodeView>(200)),
        Endpoint::new(Method::PATCH, NODE, WRITE, nodes::update).doc(
            Doc::of("nodes.update", "Renames or labels it; what is left out stays.")
                .takes::<nodes::Changes>()
                .gives::<NodeReply>(200)
                .repeatable()
                .conditional(),
        ),
        Endpoint::new(Method::DELETE, NODE, WRITE, operations::delete).doc(
            Doc::of("nodes.delete", "Deletes it; an online agent removes its containers and stops itself.")
                .query::<operations::Force>()
                .gives::<NodeReply>(200)
                .conditional(),
        ),
        Endpoint::new(Method::POST, "/api/orgs/{org}/nodes/{node}/retry", WRITE, provisions::retry).doc(
            Doc::of("nodes.retry", "Another attempt to make its machine, after one that failed; with other wishes where they are said.")
                .takes::<provisions::Otherwise>()
                .gives::<NodeReply>(200)
                .repeatable()
                .conditional(),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/nodes/{node}/gauges", READ, nodes::gauges)
            .doc(Doc::of("nodes.gauges", "Its gauges of the last ten minutes.").gives::<GaugesHistory>(200)),
    ]
}

pub(super) fn operations() -> Vec<Endpoint> {
    const MAINTENANCE: &str = "/api/orgs/{org}/nodes/{node}/maintenance";
    vec![
        Endpoint::new(Method::POST, "/api/orgs/{org}/nodes/{node}/drain", WRITE, operations::drain).doc(
            Doc::of("nodes.drain", "Nothing new is placed on it until its agent connects again or somebody ends the drain.")
                .takes::<operations::Reason>()
                .gives::<NodeReply>(200)
                .repeatable()
                .conditional(),
        ),
        Endpoint::new(Method::POST, "/api/orgs/{org}/nodes/{node}/undrain", WRITE, operations::undrain)
            .doc(Doc::of("nodes.undrain", "Ends a drain.").gives::<NodeReply>(200).conditional()),
        Endpoint::new(Method::POST, MAINTENANCE, WRITE, operations::start_maintenance).doc(
            Doc::of("nodes.start_maintenance", "Nothing new is placed on it until somebody ends it; survives reconnects and restarts.")
                .takes::<operations::Reason>()
                .gives::<NodeReply>(200)
                .repeatable()
                .conditional(),
        ),
        Endpoint::new(Method::DELETE, MAINTENANCE, WRITE, operations::end_maintenance)
            .doc(Doc::of("nodes.end_maintenance", "Ends maintenance.").gives::<NodeReply>(200).conditional()),
        Endpoint::new(Method::POST, "/api/orgs/{org}/nodes/{node}/rotate-token", WRITE, operations::rotate_token).doc(
            Doc::of("nodes.rotate_token", "The old token dies at once; the new one and both commands are shown this once.")
                .gives::<TokenRotated>(200)
                .conditional(),
        ),
    ]
}

pub(super) fn events() -> Vec<Endpoint> {
    const LOG: Rule = Rule::Org(P::EVENTS_READ);
    vec![
        Endpoint::new(Method::GET, "/api/orgs/{org}/events", LOG, events::of_org).doc(
            Doc::of(
                "events.list",
                "The organisation's events; with Accept: text/event-stream a live stream that resumes after Last-Event-ID.",
            )
            .query::<Page>()
            .query::<events::Filter>()
            .query::<events::Reading>()
            .gives::<EventsPage>(200)
            .gives_text("text/event-stream"),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/events/raw", LOG, raw::of_org).doc(
            Doc::of(
                "events.raw",
                "The organisation's events as they are stored, with digests of what stands between them, for spunto-replay.",
            )
            .query::<raw::From>()
            .gives_text("application/octet-stream"),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/live", LOG, live::live).doc(
            Doc::of(
                "live.get",
                "Nodes, workers, deployments and projects as they are; with Accept: text/event-stream followed by what changes, each frame \
                 a LiveChanges, resuming after Last-Event-ID. What the caller may not read is left out.",
            )
            .query::<live::From>()
            .gives::<Changes>(200)
            .gives_text("text/event-stream"),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/nodes/{node}/events", LOG, events::of_node)
            .doc(Doc::of("events.of_node", "A node's life.").query::<Page>().query::<events::Reading>().gives::<PageOf<EventView>>(200)),
        Endpoint::new(Method::GET, "/api/orgs/{org}/nodes/{node}/story", LOG, past::story).doc(
            Doc::of(
                "nodes.story",
                "A node's life in plain sentences, with what failed set apart and what to do next: what `spunto-replay story` tells. \
                 Also of a node that is gone.",
            )
            .gives::<StoryView>(200),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/nodes/{node}/slice", LOG, raw::of_node).doc(
            Doc::of(
                "nodes.slice",
                "A node's life as a file for a bug report, which `spunto-replay --file` verifies and tells: the node's events and those of \
                 every worker and deployment that was ever placed on it, of its organisation the name, the projects of these, and name and \
                 version of the credentials that its machine was made with; of everything else between only digests, 32 bytes an event. \
                 There is no secret in it: tokens, keys, credentials and the values of environment variables are in no event. Images, \
                 commands, names, labels and addresses are in it. Also of a node that is gone.",
            )
            .gives_text("application/octet-stream"),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/projects/{project}/workers/{worker}/events", LOG, events::of_worker).doc(
            Doc::of("events.of_worker", "A worker's life.").query::<Page>().query::<events::Reading>().gives::<PageOf<EventView>>(200),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/projects/{project}/deployments/{deployment}/events", LOG, events::of_deployment).doc(
            Doc::of("events.of_deployment", "The life of a deployment and its services.")
                .query::<Page>()
                .query::<events::Reading>()
                .gives::<PageOf<EventView>>(200),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/audit", Rule::Org(P::AUDIT_READ), audit::list).doc(
            Doc::of("audit.list", "Who did what, when and from where, newest first.")
                .query::<Page>()
                .query::<audit::Filter>()
                .gives::<PageOf<AuditEntry>>(200),
        ),
    ]
}
