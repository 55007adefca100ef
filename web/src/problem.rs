//! Errors as clients get them: problem+json (RFC 9457) with a stable `code` and a `detail` that says what to do.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};
use spunto_actors::journal::{CommandError, NoRoom};
use spunto_actors::secrets::SecretsError;
use spunto_core::id::NodeId;
use spunto_core::place::Ineligible;
use spunto_core::refusal::Refusal;
use tracing::error;

/// Seconds after which a client that was told "busy" should try again.
const RETRY_AFTER_S: &str = "1";

/// Code of the one error after which nobody knows whether the command was carried out.
pub const LOG_LOST: &str = "log_lost";

/// An error with its status, code and words.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
    nodes: Vec<(NodeId, Ineligible)>,
}

impl Problem {
    /// An error.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: Map::new(), nodes: Vec::new() }
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// Says it in other words.
    #[must_use]
    pub fn saying(mut self, detail: Option<String>) -> Self {
        self.detail = detail.unwrap_or(self.detail);
        self
    }

    /// The nodes that could not take a unit, and why.
    #[must_use]
    pub fn nodes(&self) -> &[(NodeId, Ineligible)] {
        &self.nodes
    }

    /// Nothing is known of who asks.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in, or send an API key: Authorization: Bearer spk_…")
    }

    /// The same for what is somebody else's and for what does not exist.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or it is not yours to see")
    }

    /// Too many failed attempts to prove a secret.
    #[must_use]
    pub fn too_many_attempts(wait_ms: u64) -> Self {
        let seconds = wait_ms.div_ceil(1000).max(1);
        let detail = format!("too many failed attempts; try again in {} min", seconds.div_ceil(60));
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail).with("retry_after_s", seconds.into())
    }

    /// The request is not understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// Something of ours is broken; the cause is in the server's log, under the request's id.
    #[must_use]
    pub fn fault(cause: &dyn fmt::Display) -> Self {
        error!(%cause, "a request failed");
        let detail = "the control plane could not do this; its log says why, under this request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Nothing can be written at present; nothing was changed.
    #[must_use]
    pub fn no_room(why: &NoRoom) -> Self {
        let code = match why {
            NoRoom::Full { .. } | NoRoom::Files { .. } => "disk_full",
            NoRoom::ReadOnly => "disk_read_only",
        };
        Self::new(StatusCode::INSUFFICIENT_STORAGE, code, why.to_string())
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut body = json!({
            "type": format!("urn:spunto:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more.clone());
        }
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        match self.status {
            StatusCode::UNAUTHORIZED => response.insert_header((WWW_AUTHENTICATE, "Bearer")),
            StatusCode::TOO_MANY_REQUESTS => response.insert_header((RETRY_AFTER, self.more["retry_after_s"].to_string())),
            StatusCode::SERVICE_UNAVAILABLE => response.insert_header((RETRY_AFTER, RETRY_AFTER_S)),
            _ => &mut response,
        };
        response.body(body.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NotFound(_) => return Self::not_found(),
            Refusal::Invalid(_) | Refusal::OutOfRange(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
            Refusal::OwnerRequired | Refusal::KeyBeyondRole { .. } => StatusCode::FORBIDDEN,
            Refusal::InvitationInvalid => StatusCode::GONE,
            _ => StatusCode::CONFLICT,
        };
        let mut problem = Self::new(status, refusal.code(), refusal.to_string());
        if let Refusal::NoNodeAvailable { nodes, .. } = refusal {
            problem.nodes = nodes;
        }
        problem
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::NoRoom(why) => Self::no_room(&why),
            CommandError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string()),
            CommandError::Unknown => Self::new(StatusCode::SERVICE_UNAVAILABLE, LOG_LOST, error.to_string()),
        }
    }
}

impl From<SecretsError> for Problem {
    fn from(error: SecretsError) -> Self {
        error.no_room().map_or_else(|| Self::fault(&error), |why| Self::no_room(&why))
    }
}
