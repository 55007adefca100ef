//! Every refusal of the API that matters to somebody who makes servers, with the status, code and words that were seen of it.

use serde_json::{Value, json};

use crate::cloud::wire::Response;

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No credential.
    NoToken,
    /// A credential that is none.
    BadToken,
    /// A credential that may only read.
    ReadOnlyToken,
    /// The project may have no more servers.
    ServerLimit,
    /// The project may have no more addresses.
    AddressLimit,
    /// There is no such location.
    UnknownLocation,
    /// There is no such location, told without details.
    UnknownLocationBare,
    /// There is no such server type.
    UnknownServerType,
    /// The server type is not sold at the location.
    TypeNotSoldThere,
    /// There is no such image.
    UnknownImage,
    /// There is none of this type free at the location.
    SoldOut,
    /// The location takes no new servers.
    LocationDisabled,
    /// The placement group can't be kept to.
    Placement,
    /// The name is taken.
    NameTaken,
    /// Two changed the same thing.
    Conflict,
    /// Something goes on with the server.
    Locked,
    /// The server must not be deleted.
    Protected,
    /// Too many calls.
    RateLimit,
    /// A gateway in the middle.
    BadGateway,
    /// Nothing in time.
    Timeout,
    /// Not now.
    Unavailable,
    /// A mistake of theirs.
    ServerError,
    /// A field is missing or wrong.
    Invalid(&'static str),
    /// The label selector can't be read.
    BadSelector,
    /// There is none.
    NotFound(&'static str),
    /// Gone since October 2026.
    DatacentersAreGone,
    /// Gone since 2025.
    AllActionsAreGone,
}

impl Refusal {
    /// As the API answers.
    #[must_use]
    pub fn response(self) -> Response {
        let none = Value::Null;
        let (status, code, message, details) = match self {
            Self::NoToken => (401, "unauthorized", "token is required", none),
            Self::BadToken => (401, "unauthorized", "the token you have provided is invalid", none),
            Self::ReadOnlyToken => (401, "token_readonly", "token is only allowed to perform GET requests", none),
            Self::ServerLimit => {
                (403, "resource_limit_exceeded", "server limit exceeded", json!({ "limits": [{ "name": "server_limit" }] }))
            }
            Self::AddressLimit => {
                (403, "resource_limit_exceeded", "Primary IP limit exceeded", json!({ "limits": [{ "name": "primary_ip_limit" }] }))
            }
            Self::UnknownLocation => (422, "invalid_input", "location 'ash' not found", field("location", "location 'ash' not found")),
            Self::UnknownLocationBare => (422, "invalid_input", "location 'ash' not found", json!({})),
            Self::UnknownServerType => (422, "invalid_input", "server type not found", field("server_type", "server type not found")),
            Self::TypeNotSoldThere => (422, "invalid_input", "unsupported location for server type", json!({})),
            Self::UnknownImage => (422, "invalid_input", "image not found", field("image", "image not found")),
            Self::SoldOut => (412, "resource_unavailable", "error during placement", none),
            Self::LocationDisabled => (412, "resource_unavailable", "server location disabled", none),
            Self::Placement => (422, "placement_error", "error during placement", none),
            Self::NameTaken => (409, "uniqueness_error", "server name is already used", json!({ "fields": [{ "name": "name" }] })),
            Self::Conflict => (409, "conflict", "the resource has changed during the request, please retry", none),
            Self::Locked => (423, "locked", "server is locked: another action is running", none),
            Self::Protected => (423, "protected", "server deletion is protected", none),
            Self::RateLimit => (429, "rate_limit_exceeded", "limit of 3600 requests per hour reached", none),
            Self::BadGateway => (502, "bad_gateway", "bad gateway", none),
            Self::Timeout => (504, "timeout", "the request could not be answered in time", none),
            Self::Unavailable => (503, "unavailable", "the service is currently not available", none),
            Self::ServerError => (500, "server_error", "an internal error occurred", none),
            Self::Invalid(name) => (422, "invalid_input", "invalid input in field", field(name, "is missing or malformed")),
            Self::BadSelector => (422, "invalid_input", "label selector is malformed", field("label_selector", "malformed")),
            Self::NotFound(what) => return refusal(404, "not_found", &format!("{what} not found"), &none),
            Self::DatacentersAreGone => (410, "deprecated_api_endpoint", "this endpoint was removed, use locations", none),
            Self::AllActionsAreGone => (410, "deprecated_api_endpoint", "listing all actions was removed", none),
        };
        refusal(status, code, message, &details)
    }
}

fn field(name: &str, message: &str) -> Value {
    json!({ "fields": [{ "name": name, "messages": [message] }] })
}

fn refusal(status: u16, code: &str, message: &str, details: &Value) -> Response {
    Response::json(status, &json!({ "error": { "code": code, "message": message, "details": details } }))
}
