//! The event log as clients read it: pages, timelines, and a live stream that resumes without a gap.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::ACCEPT;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::feed::Subscription;
use spunto_core::access::Permission;
use spunto_core::id::OrgId;
use spunto_core::record::{Position, Record, StreamId};

use super::projects;
use crate::app::App;
use crate::ask::{Ask, Page};
use crate::auth;
use crate::endpoint::Rule;
use crate::problem::Problem;
use crate::view::event::{EventView, stream_text};
use crate::view::reply::{EventsPage, PageOf};

mod scan;

use scan::Scanned;

/// How often a stream with nothing to say says so, and checks that it may still be read.
const QUIET: Duration = Duration::from_secs(15);

/// Which end comes first.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Oldest,
    Newest,
}

/// How events are read.
#[derive(Deserialize, JsonSchema)]
pub struct Reading {
    /// `oldest` (which is meant unless said) or `newest` first; a cursor goes on in the same order.
    #[serde(default)]
    order: Order,
}

/// Which events.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Only of this node, worker or deployment.
    stream: Option<String>,
}

impl Filter {
    fn takes(&self, org: OrgId, record: &Record) -> bool {
        record.org == Some(org) && self.stream.as_ref().is_none_or(|wanted| *wanted == stream_text(record.stream))
    }
}

/// The event at a position of this log.
pub(super) fn parse(app: &App, text: &str) -> Option<u64> {
    let position: Position = text.parse().ok()?;
    let end = app.directory.feed().position();
    (position.incarnation == end.incarnation && position.shard == end.shard && position.seq <= end.seq).then_some(position.seq)
}

/// `GET …/events`: a page after `cursor`; with `Accept: text/event-stream` a live stream.
///
/// # Errors
/// A cursor that is none.
pub async fn of_org(
    app: Data<App>,
    ask: Ask,
    request: HttpRequest,
    page: Query<Page>,
    filter: Query<Filter>,
    reading: Query<Reading>,
) -> Result<HttpResponse, Problem> {
    let org = ask.org()?;
    let live = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/event-stream"));
    if live {
        return Ok(follow(&app, org, &request, filter.into_inner()));
    }
    let not_ours = || Problem::bad_request("this cursor is not of this log");
    let cursor = page.cursor::<Position>()?.map(|position| parse(&app, &position.to_string()).ok_or_else(not_ours)).transpose()?;
    let (feed, filter, limit) = (std::sync::Arc::clone(app.directory.feed()), filter.into_inner(), page.limit());
    let end = feed.position().seq;
    let scan = move || match reading.order {
        Order::Oldest => scan::forwards(&feed, cursor.unwrap_or(0), end, limit, |record| filter.takes(org, record)),
        Order::Newest => scan::backwards(&feed, cursor.unwrap_or(end + 1), limit, |record| filter.takes(org, record)),
    };
    let scanned = tokio::task::spawn_blocking(scan).await.map_err(|error| Problem::fault(&error))?;
    let Scanned { found, next } = scanned.map_err(|error| Problem::fault(&error))?;
    let items: Vec<EventView> = found.iter().map(|record| EventView::new(&app, record)).collect();
    let next = next.map(|seq| app.at(seq).to_string());
    Ok(HttpResponse::Ok().json(EventsPage { items, next, end: app.at(end).to_string() }))
}

struct Follow {
    app: Data<App>,
    org: OrgId,
    request: HttpRequest,
    filter: Filter,
    subscription: Subscription,
    /// To be sent first.
    reset: bool,
}

fn follow(app: &Data<App>, org: OrgId, request: &HttpRequest, filter: Filter) -> HttpResponse {
    let last = request.headers().get("Last-Event-ID").and_then(|value| value.to_str().ok());
    let known = last.map(|text| parse(app, text));
    // Without an id a stream starts now; with one that is not of this log the client must read everything again.
    let after = known.flatten().unwrap_or_else(|| app.directory.feed().position().seq);
    let state = Follow {
        app: app.clone(),
        org,
        request: request.clone(),
        filter,
        subscription: app.directory.feed().subscribe_after(after),
        reset: known == Some(None),
    };
    let body = stream::unfold(Some(state), |state| async move { next(state?).await });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(body))
}

async fn next(mut follow: Follow) -> Option<(Result<Bytes, Infallible>, Option<Follow>)> {
    if follow.reset {
        follow.reset = false;
        let position = follow.app.at(follow.subscription.next_seq().saturating_sub(1));
        return Some((Ok(Bytes::from(format!("id: {position}\nevent: reset\ndata: {{}}\n\n"))), Some(follow)));
    }
    let waited = tokio::time::timeout(QUIET, follow.subscription.next()).await;
    // Whoever lost the right to look sees nothing more, from this very delivery on.
    if !auth::still_allowed(&follow.app, &follow.request, Rule::Org(Permission::EVENTS_READ)) {
        return None;
    }
    let mut text = String::new();
    match waited {
        // A comment keeps proxies awake; an id without data moves a filtered stream's place on.
        Err(_) => text.push_str(": quiet\n"),
        Ok(Ok(Some(delivery))) => {
            for record in delivery.records().filter(|record| follow.filter.takes(follow.org, record)) {
                let data = serde_json::to_string(&EventView::new(&follow.app, record)).unwrap_or_default();
                text.push_str(&format!("id: {}\nevent: {}\ndata: {data}\n\n", follow.app.at(record.seq), record.event.name()));
            }
        }
        Ok(Ok(None) | Err(_)) => return None,
    }
    if text.is_empty() || text.starts_with(':') {
        text.push_str(&format!("id: {}\n\n", follow.app.at(follow.subscription.next_seq().saturating_sub(1))));
    }
    Some((Ok(Bytes::from(text)), Some(follow)))
}

/// A page of `all`, which is in order, after the place of `cursor`; and whether there is more.
fn cut(all: &[u64], order: Order, cursor: Option<u64>, limit: usize) -> (Vec<u64>, bool) {
    match (order, cursor) {
        (Order::Oldest, cursor) => {
            let rest = &all[all.partition_point(|seq| Some(*seq) <= cursor)..];
            (rest.iter().copied().take(limit).collect(), rest.len() > limit)
        }
        (Order::Newest, cursor) => {
            let rest = &all[..cursor.map_or(all.len(), |cursor| all.partition_point(|seq| *seq < cursor))];
            (rest.iter().rev().copied().take(limit).collect(), rest.len() > limit)
        }
    }
}

async fn timeline(app: &Data<App>, stream: StreamId, page: &Page, order: Order) -> Result<HttpResponse, Problem> {
    let not_ours = || Problem::bad_request("this cursor is not of this log");
    let cursor = page.cursor::<Position>()?.map(|position| parse(app, &position.to_string()).ok_or_else(not_ours)).transpose()?;
    let (wanted, more) = cut(app.view().timeline(stream), order, cursor, page.limit());
    let next = wanted.last().filter(|_| more).map(|seq| app.at(*seq).to_string());
    let feed = std::sync::Arc::clone(app.directory.feed());
    let read = move || {
        wanted
            .into_iter()
            .map(|seq| Ok(feed.read(seq)?.records().next().cloned()))
            .collect::<Result<Vec<_>, spunto_actors::journal::ReplayError>>()
    };
    let records =
        tokio::task::spawn_blocking(read).await.map_err(|error| Problem::fault(&error))?.map_err(|error| Problem::fault(&error))?;
    let items: Vec<EventView> = records.iter().flatten().map(|record| EventView::new(app, record)).collect();
    Ok(HttpResponse::Ok().json(PageOf { items, next, as_of: None }))
}

/// `GET …/nodes/{node}/events`: the node's life.
///
/// # Errors
/// There is no such node.
pub async fn of_node(
    app: Data<App>,
    ask: Ask,
    path: Path<(String, String)>,
    page: Query<Page>,
    reading: Query<Reading>,
) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, super::nodes::parse(&path.1)?);
    if !app.directory.read(|state| state.orgs.get(&org).is_some_and(|org| org.fleet.node(node).is_some())) {
        return Err(Problem::not_found());
    }
    timeline(&app, StreamId::Node(node), &page, reading.order).await
}

/// `GET …/workers/{worker}/events`: the worker's life.
///
/// # Errors
/// There is no such worker.
pub async fn of_worker(
    app: Data<App>,
    ask: Ask,
    path: Path<(String, String, String)>,
    page: Query<Page>,
    reading: Query<Reading>,
) -> Result<HttpResponse, Problem> {
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    let worker = path.2.parse().map_err(|_| Problem::not_found())?;
    let there = app.directory.read(|state| Some(state.orgs.get(&org)?.workers.get(&worker)?.project == project));
    there.filter(|there| *there).ok_or_else(Problem::not_found)?;
    timeline(&app, StreamId::Worker(worker), &page, reading.order).await
}

/// `GET …/deployments/{deployment}/events`: the life of the deployment and its services.
///
/// # Errors
/// There is no such deployment.
pub async fn of_deployment(
    app: Data<App>,
    ask: Ask,
    path: Path<(String, String, String)>,
    page: Query<Page>,
    reading: Query<Reading>,
) -> Result<HttpResponse, Problem> {
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    let deployment = path.2.parse().map_err(|_| Problem::not_found())?;
    let there = app.directory.read(|state| Some(state.orgs.get(&org)?.deployments.get(&deployment)?.project == project));
    there.filter(|there| *there).ok_or_else(Problem::not_found)?;
    timeline(&app, StreamId::Deployment(deployment), &page, reading.order).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads page by page to the end.
    fn read(order: Order, limit: usize) -> Vec<Vec<u64>> {
        let all = [3, 4, 8, 9, 20];
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let (page, more) = cut(&all, order, cursor, limit);
            cursor = page.last().copied();
            pages.push(page);
            if !more {
                return pages;
            }
        }
    }

    #[test]
    fn pages_of_a_timeline_go_on_where_the_last_ended_in_either_order() {
        assert_eq!(read(Order::Oldest, 2), [vec![3, 4], vec![8, 9], vec![20]]);
        assert_eq!(read(Order::Newest, 2), [vec![20, 9], vec![8, 4], vec![3]]);
        assert_eq!(read(Order::Newest, 5), [vec![20, 9, 8, 4, 3]]);
        assert_eq!(cut(&[], Order::Newest, None, 2), (Vec::new(), false));
    }
}
