//! How things stood: reads as of a moment, and a node's story. Both read the log, on threads that may block.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use spunto_actors::directory::Directory;
use spunto_actors::past::{self, Moment, PastError, Point, Then};
use spunto_core::access::Permission;
use spunto_core::id::{NodeId, OrgId, ProjectId};

use super::nodes;
use crate::app::App;
use crate::ask::Ask;
use crate::auth;
use crate::problem::Problem;
use crate::view::past::StoryView;

/// At which moment a read looks.
#[derive(Deserialize, JsonSchema)]
pub struct Look {
    /// Shows it as it was then: a position as replies give them, or a time (RFC 3339). Takes the scope `events:read` besides; what is
    /// live (gauges, session, suspicion, progress) is absent, and the answer says of which moment it is in `as_of`.
    as_of: Option<String>,
}

impl Look {
    /// The moment that was asked for; none for the present.
    ///
    /// # Errors
    /// It is none, or who asks may not read events.
    pub(super) fn moment(&self, ask: &Ask) -> Result<Option<Moment>, Problem> {
        let Some(text) = &self.as_of else { return Ok(None) };
        auth::permit(ask, Permission::EVENTS_READ)?;
        // A plus sign in a query stands for a space, and times are written with one.
        let text = text.replace(' ', "+");
        text.parse().map(Some).map_err(|error: past::InvalidMoment| Problem::bad_request(format!("as_of: {error}")))
    }
}

/// Folds the past of one thing, on a thread that may block.
///
/// # Errors
/// See [`PastError`].
pub(super) async fn one(
    app: &Data<App>,
    moment: Moment,
    read: impl FnOnce(&Directory, Point) -> Result<Then, PastError> + Send + 'static,
) -> Result<Then, Problem> {
    blocking(app, move |app| {
        let _room = app.archive.room()?;
        read(&app.directory, Point::find(&app.directory, moment, app.now())?)
    })
    .await
}

/// Folds the past of a whole organisation, on a thread that may block.
///
/// # Errors
/// See [`PastError`].
pub(super) async fn whole(app: &Data<App>, ask: &Ask, moment: Moment) -> Result<Then, Problem> {
    let org = ask.org()?;
    let read = move |app: &App| app.archive.org(&app.directory, org, Point::find(&app.directory, moment, app.now())?);
    blocking(app, read).await
}

/// The same, for a read of one of its projects.
///
/// # Errors
/// See [`PastError`]; there was no such project then.
pub(super) async fn project(app: &Data<App>, ask: &Ask, project: ProjectId, moment: Moment) -> Result<Then, Problem> {
    let then = whole(app, ask, moment).await?;
    then.org()?.projects.get(&project).ok_or_else(Problem::not_found)?;
    Ok(then)
}

/// Checks that there is, or ever was, such a node in the organisation.
///
/// # Errors
/// There never was.
pub(super) async fn check_node(app: &Data<App>, org: OrgId, node: NodeId) -> Result<(), Problem> {
    blocking(app, move |app| past::check_node(&app.directory, org, node)).await
}

async fn blocking<T: Send + 'static>(
    app: &Data<App>,
    read: impl FnOnce(&App) -> Result<T, PastError> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    let told = tokio::task::spawn_blocking(move || read(&app)).await.map_err(|error| Problem::fault(&error))?;
    Ok(told?)
}

/// `GET …/nodes/{node}/story`
///
/// # Errors
/// There never was such a node.
pub async fn story(app: Data<App>, ask: Ask, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, nodes::parse(&path.1)?);
    let tell = move |app: &App| {
        let _room = app.archive.room()?;
        past::story(&app.directory, &app.archive, org, node)
    };
    let told = blocking(&app, tell).await?;
    Ok(HttpResponse::Ok().json(StoryView::new(node, told, |seq| app.at(seq))))
}

impl From<PastError> for Problem {
    fn from(error: PastError) -> Self {
        let say = |status, code| Self::new(status, code, error.to_string());
        match &error {
            PastError::Unknown => Self::not_found(),
            PastError::OtherLog => say(StatusCode::CONFLICT, "unknown_position"),
            PastError::Future { end } => say(StatusCode::BAD_REQUEST, "in_the_future").with("end", json!(end.to_string())),
            PastError::NotYet { at, position } => {
                say(StatusCode::NOT_FOUND, "not_yet_created").with("created_at", json!(at)).with("position", json!(position.to_string()))
            }
            PastError::Gone { at, position } => {
                say(StatusCode::NOT_FOUND, "deleted_before").with("deleted_at", json!(at)).with("position", json!(position.to_string()))
            }
            PastError::TooLong { .. } => say(StatusCode::UNPROCESSABLE_ENTITY, "too_much_history"),
            PastError::Busy => say(StatusCode::SERVICE_UNAVAILABLE, "busy"),
            PastError::Log(_) => Self::fault(&error),
        }
    }
}
