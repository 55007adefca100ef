//! The live stream of an organisation: everything once, then what changes, so that a dashboard needs nothing else.
//!
//! Resumes after `Last-Event-ID` (or `?from=`) without a gap. What is live and in no event (gauges, suspicion, pulls) comes along.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::ACCEPT;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::feed::{Delivery, Subscription};
use spunto_core::access::Permission;
use spunto_core::id::OrgId;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::app::App;
use crate::ask::Ask;
use crate::auth;
use crate::endpoint::Rule;
use crate::problem::Problem;
use crate::view::event::EventView;
use crate::view::live::Changes;

mod glance;
mod touched;

use glance::Glances;
use touched::{Sight, Touched};

/// Least time between two frames: what happens meanwhile comes together.
const PAUSE: Duration = Duration::from_millis(50);
/// How often nodes are looked at for what is in no event: so many milliseconds for each ten of them, within these bounds.
const LOOK_MS: (u64, u64) = (100, 1000);
/// How often a stream with nothing to say says so.
const QUIET: Duration = Duration::from_secs(15);
/// Things in one frame of a snapshot.
const THINGS_MAX: usize = 500;
/// Events that a stream catches up with; who missed more starts anew.
const MISSED_MAX: u64 = 10_000;

/// Where to go on.
#[derive(Deserialize, JsonSchema)]
pub struct From {
    /// The last position that was seen, for clients that can't send `Last-Event-ID`.
    from: Option<String>,
}

/// `GET …/live`: everything as it is now; with `Accept: text/event-stream` followed by what changes.
///
/// # Errors
/// None of its own.
pub async fn live(app: Data<App>, ask: Ask, request: HttpRequest, from: Query<From>) -> Result<HttpResponse, Problem> {
    let (org, sight) = (ask.org()?, Sight::of(ask.role, ask.scopes.as_deref()));
    let streams = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("event-stream"));
    let end = app.directory.feed().position().seq;
    app.directory.reach(end).await;
    if !streams {
        let view = app.view();
        let org = view.state.orgs.get(&org);
        let mut all = org.map(Touched::everything).unwrap_or_default().look(&view, org, &app.board, sight);
        (all.reset, all.position) = (true, app.at(view.state.seq).to_string());
        drop(view);
        return Ok(HttpResponse::Ok().json(all));
    }
    let header = request.headers().get("Last-Event-ID").and_then(|value| value.to_str().ok());
    let last = header.or(from.from.as_deref()).and_then(|text| super::events::parse(&app, text));
    // A position that came after `end` was taken is fine too.
    let resumed = last.filter(|seq| end.saturating_sub(*seq) <= MISSED_MAX);
    let subscription = app.directory.feed().subscribe_after(resumed.unwrap_or(end));
    let now = Instant::now();
    let follow = Follow {
        app: app.clone(),
        org,
        request: request.clone(),
        sight,
        subscription,
        glances: Glances::default(),
        snapshot: resumed.is_none().then_some(Snapshot::Wanted),
        greeted: false,
        pause_until: now,
        look_at: now,
        quiet_at: now + QUIET,
    };
    let body = stream::unfold(follow, |mut follow| async move { follow.next().await.map(|text| (Ok::<_, Infallible>(text), follow)) });
    Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header(("X-Accel-Buffering", "no")).streaming(Box::pin(body)))
}

/// How far a snapshot is told.
enum Snapshot {
    Wanted,
    Left(Touched),
}

struct Follow {
    app: Data<App>,
    org: OrgId,
    request: HttpRequest,
    sight: Sight,
    subscription: Subscription,
    glances: Glances,
    snapshot: Option<Snapshot>,
    /// Whether anything was told: who resumes wants to know that it is connected again, even where nothing changed.
    greeted: bool,
    pause_until: Instant,
    look_at: Instant,
    quiet_at: Instant,
}

impl Follow {
    /// The next frame; none when the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let (changes, moved) = match self.snapshot.take() {
                Some(snapshot) => (self.tell_everything(snapshot), true),
                None => {
                    sleep_until(self.pause_until).await;
                    let delivery = match timeout_at(self.look_at, self.subscription.next()).await {
                        Ok(Ok(Some(delivery))) => Some(delivery),
                        Ok(Ok(None) | Err(_)) => return None,
                        Err(_) => None,
                    };
                    (self.tell(delivery.as_ref()).await?, delivery.is_some())
                }
            };
            // Whoever lost the right to look sees nothing more, and is told within a moment, even where nothing happens.
            if !auth::still_allowed(&self.app, &self.request, Rule::Org(Permission::EVENTS_READ)) {
                return None;
            }
            let now = Instant::now();
            let told = changes.reset || !changes.complete || !changes.is_empty() || !self.greeted;
            if !told && now < self.quiet_at {
                continue;
            }
            self.quiet_at = now + QUIET;
            if !told {
                let position = self.app.at(self.subscription.next_seq().saturating_sub(1));
                return Some(Bytes::from(format!(": quiet\nid: {position}\n\n")));
            }
            (self.pause_until, self.greeted) = (now + PAUSE, true);
            return Some(frame(&changes, moved));
        }
    }

    /// The next part of everything.
    fn tell_everything(&mut self, snapshot: Snapshot) -> Changes {
        let view = self.app.view();
        let org = view.state.orgs.get(&self.org);
        let (mut left, reset) = match snapshot {
            Snapshot::Wanted => (org.map(Touched::everything).unwrap_or_default(), true),
            Snapshot::Left(left) => (left, false),
        };
        if let (Some(org), true) = (org, reset) {
            // What is told now is no change a moment later.
            self.glances.note_changed(org, &self.app.board, &mut Touched::default());
        }
        let mut changes = left.take(THINGS_MAX).look(&view, org, &self.app.board, self.sight);
        drop(view);
        (changes.reset, changes.complete) = (reset, left.is_empty());
        changes.position = self.app.at(self.subscription.next_seq().saturating_sub(1)).to_string();
        if !changes.complete {
            self.snapshot = Some(Snapshot::Left(left));
        }
        changes
    }

    /// What happened, and what looks different since; none when the directory has stopped.
    async fn tell(&mut self, delivery: Option<&Delivery>) -> Option<Changes> {
        if let Some(last) = delivery.and_then(Delivery::last)
            && !self.app.directory.reach(last).await
        {
            return None;
        }
        let (mut touched, mut events) = (Touched::default(), Vec::new());
        let view = self.app.view();
        let org = view.state.orgs.get(&self.org);
        for record in delivery.iter().flat_map(|delivery| delivery.records()).filter(|record| record.org == Some(self.org)) {
            touched.note(record, org);
            events.push(EventView::new(&self.app, record));
        }
        let now = Instant::now();
        if now >= self.look_at {
            let nodes = org.map_or(0, |org| org.fleet.nodes().count() as u64);
            self.look_at = now + Duration::from_millis((nodes / 10).clamp(LOOK_MS.0, LOOK_MS.1));
        }
        if let Some(org) = org {
            self.glances.note_changed(org, &self.app.board, &mut touched);
        }
        let mut changes = touched.look(&view, org, &self.app.board, self.sight);
        drop(view);
        changes.events = events;
        changes.position = self.app.at(self.subscription.next_seq().saturating_sub(1)).to_string();
        Some(changes)
    }
}

/// Only what stands in the log moves a stream's place on, and only a snapshot's end: who loses the stream within it needs all of it.
fn frame(changes: &Changes, moved: bool) -> Bytes {
    let data = serde_json::to_string(changes).unwrap_or_default();
    let id = if moved && changes.complete { format!("id: {}\n", changes.position) } else { String::new() };
    Bytes::from(format!("{id}event: changes\ndata: {data}\n\n"))
}
