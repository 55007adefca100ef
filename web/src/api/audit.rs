//! Who did what, when and from where: the log's events that a person, a key or the operator caused.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::directory::Deed;
use spunto_core::record::Position;

use crate::app::App;
use crate::ask::{Ask, Page};
use crate::problem::Problem;
use crate::view::event::AuditEntry;
use crate::view::reply::PageOf;

/// Whose deeds.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Only of this person or key (`usr_…`, `key_…`), or `operator`.
    actor: Option<String>,
}

/// `GET …/audit`: newest first.
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>, filter: Query<Filter>) -> Result<HttpResponse, Problem> {
    let org = ask.org()?;
    let before = page.cursor::<Position>()?.map_or(u64::MAX, |position| position.seq);
    let (deeds, more): (Vec<Deed>, bool) = {
        let view = app.view();
        let theirs = view.deeds(org);
        let older = theirs[..theirs.partition_point(|deed| deed.seq < before)].iter().rev();
        let mut wanted = older.filter(|deed| filter.actor.as_ref().is_none_or(|actor| *actor == deed.actor.to_string()));
        let deeds = wanted.by_ref().take(page.limit()).cloned().collect();
        (deeds, wanted.next().is_some())
    };
    let next = deeds.last().filter(|_| more).map(|deed| app.at(deed.seq).to_string());
    let feed = Arc::clone(app.directory.feed());
    let read = move || {
        let one = |deed: Deed| Ok(feed.read(deed.seq)?.records().next().cloned().map(|record| (deed, record)));
        deeds.into_iter().map(one).collect::<Result<Vec<_>, spunto_actors::journal::ReplayError>>()
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| Problem::fault(&error))?;
    let read = read.map_err(|error| Problem::fault(&error))?;
    let items = read.iter().flatten().map(|(deed, record)| AuditEntry::new(&app, deed, record)).collect();
    Ok(HttpResponse::Ok().json(PageOf { items, next, as_of: None }))
}
