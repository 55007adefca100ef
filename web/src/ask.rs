//! What a handler knows of the request: who asks, as what, and the headers that change how a command is carried out.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spunto_actors::journal::Committed;
use spunto_core::access::{Role, Scope};
use spunto_core::command::Idempotency;
use spunto_core::id::{OrgId, SessionId};
use spunto_core::record::{Actor, Position};

use crate::app::App;
use crate::problem::Problem;
use crate::view::reply::PageOf;

/// Longest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Items on a page unless asked otherwise.
pub const PAGE_ITEMS: usize = 100;
/// Most items on a page.
pub const PAGE_ITEMS_MAX: usize = 1000;

/// Where a write stands, so that a read can ask to see it.
pub const POSITION_HEADER: &str = "X-Spunto-Position";

/// Who asks. Put there by the endpoint's rule; a handler of an endpoint without one can't get it.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who.
    pub actor: Actor,
    /// The organisation in the path, where there is one.
    pub org: Option<OrgId>,
    /// The role there.
    pub role: Role,
    /// The scopes of a key; none for a person, who may do all that the role allows.
    pub scopes: Option<Vec<Scope>>,
    /// The browser's session, where it is one.
    pub session: Option<SessionId>,
    /// Ties together all that comes of this request.
    pub correlation: u64,
    /// Where it comes from.
    pub address: String,
    /// The version that the client saw.
    pub if_match: Option<u64>,
    /// How a repeat is told.
    pub idempotency: Option<Idempotency>,
}

impl Ask {
    /// The organisation in the path.
    ///
    /// # Errors
    /// The endpoint has none; a bug of ours that reads as a missing thing.
    pub fn org(&self) -> Result<OrgId, Problem> {
        self.org.ok_or_else(Problem::not_found)
    }
}

impl FromRequest for Ask {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::unauthenticated))
    }
}

/// A query that is not understood answers like everything else.
#[must_use]
pub fn query_errors() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| Problem::bad_request(format!("the query is not as expected: {error}")).into())
}

/// Reads `If-Match`.
pub(crate) fn if_match(request: &HttpRequest) -> Result<Option<u64>, Problem> {
    let Some(value) = request.headers().get("If-Match") else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| match text.trim() {
        "*" => Some(None),
        text => text.trim_matches('"').parse().ok().map(Some),
    });
    version.ok_or_else(|| Problem::bad_request("If-Match takes the ETag that a read gave, like \"7\""))
}

/// A JSON body, with what an `Idempotency-Key` needs of it.
pub struct Body<T> {
    /// What was sent.
    pub value: T,
    key: Option<Idempotency>,
}

impl<T> Body<T> {
    /// The body, and its request told apart from others with the same key.
    pub fn split(self, ask: &mut Ask) -> T {
        ask.idempotency = self.key;
        self.value
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let bytes = Bytes::from_request(&request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|_| {
                let detail = format!("the body could not be read; it may be at most {BODY_BYTES_MAX} bytes");
                Problem::new(actix_web::http::StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
            })?;
            // An empty body stands for an empty object: most actions take nothing.
            let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
            let value =
                serde_json::from_slice(text).map_err(|error| Problem::bad_request(format!("the body is not as expected: {error}")))?;
            Ok(Self { value, key: idempotency(&request, &bytes)? })
        })
    }
}

fn idempotency(request: &HttpRequest, body: &[u8]) -> Result<Option<Idempotency>, Problem> {
    let Some(key) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    let key = key.to_str().map_err(|_| Problem::bad_request("an Idempotency-Key has 1 to 128 visible ASCII characters"))?;
    let mut hasher = blake3::Hasher::new();
    for part in [request.method().as_str().as_bytes(), b" ", request.path().as_bytes(), b"\n", body] {
        hasher.update(part);
    }
    Ok(Some(Idempotency { key: key.to_owned(), body_hash: *hasher.finalize().as_bytes() }))
}

/// Waits until reads see what `?after=` asks for.
pub(crate) async fn wait_for(app: &App, request: &HttpRequest) -> Result<(), Problem> {
    #[derive(serde::Deserialize)]
    struct After {
        after: Option<String>,
    }
    if *request.method() != Method::GET {
        return Ok(());
    }
    let query = web::Query::<After>::from_query(request.query_string()).map(|query| query.into_inner().after);
    let Ok(Some(text)) = query else { return Ok(()) };
    let position: Position = text.parse().map_err(|error: spunto_core::record::InvalidPosition| Problem::bad_request(error.to_string()))?;
    let end = app.directory.feed().position();
    if position.incarnation != end.incarnation || position.seq > end.seq {
        let detail = "this position is not of this log; it may have been restored from a backup: read again without it";
        return Err(Problem::new(actix_web::http::StatusCode::CONFLICT, "unknown_position", detail));
    }
    app.directory.reach(position.seq).await;
    Ok(())
}

/// Answers a command: its position in header and body.
pub(crate) fn written<T: Serialize>(
    status: actix_web::http::StatusCode,
    committed: &Committed,
    body: impl FnOnce(String) -> T,
) -> HttpResponse {
    let position = committed.position.to_string();
    HttpResponse::build(status).insert_header((POSITION_HEADER, position.clone())).json(body(position))
}

/// Answers a read of one thing, with its version as ETag.
pub(crate) fn one(version: u64, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(body)
}

/// Which page of a list.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
pub struct Page {
    /// Items on a page: 1 to 1000, 100 unless said.
    limit: Option<usize>,
    /// Where the last page ended: its `next`.
    cursor: Option<String>,
}

impl Page {
    /// How many items.
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_ITEMS).clamp(1, PAGE_ITEMS_MAX)
    }

    /// Where the last page ended.
    ///
    /// # Errors
    /// It is no cursor of this list.
    pub(crate) fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let parse = |text: &String| text.parse().map_err(|_| Problem::bad_request("pass a cursor back exactly as `next` gave it"));
        self.cursor.as_ref().map(parse).transpose()
    }

    /// Cuts a list that is sorted by id into this page.
    ///
    /// # Errors
    /// The cursor is not of this list.
    pub(crate) fn cut<I, T>(&self, items: impl Iterator<Item = (I, T)>) -> Result<PageOf<T>, Problem>
    where
        I: std::str::FromStr + ToString + Ord + Copy,
        T: Serialize,
    {
        let after = self.cursor::<I>()?;
        let limit = self.limit();
        let mut rest = items.filter(|(id, _)| after.is_none_or(|after| *id > after));
        let page: Vec<(I, T)> = rest.by_ref().take(limit).collect();
        let next = if rest.next().is_some() { page.last().map(|(id, _)| id.to_string()) } else { None };
        let items: Vec<T> = page.into_iter().map(|(_, item)| item).collect();
        Ok(PageOf { items, next, as_of: None })
    }
}
