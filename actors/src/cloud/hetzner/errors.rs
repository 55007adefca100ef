//! What Hetzner Cloud's errors mean. By code; by the text only for `invalid_input`, whose details are often empty.

use std::time::Duration;

use serde_json::Value;
use spunto_core::time::Timestamp;

use super::TITLE;
use crate::cloud::fault::{Fault, FaultKind, Happened};
use crate::cloud::http::Answer;

/// The limit refills one call a second, so it is never longer than this until it is whole again.
const RESET_MAX: Duration = Duration::from_secs(3_600);

/// Whether the API itself has answered, and not something on the way.
pub(super) fn is_ours(answer: &Answer) -> bool {
    answer.json::<Value>().is_some_and(|value| value["error"]["code"].is_string())
}

/// What an answer that is no success means.
pub(super) fn fault(answer: &Answer, now: Timestamp) -> Fault {
    let value = answer.json::<Value>().unwrap_or_default();
    let Some(code) = value["error"]["code"].as_str() else { return answer.unreadable().with_request(request(answer)) };
    let (message, details) = (words(answer, &value["error"]), &value["error"]["details"]);
    let kind = kind(answer.status, code, &message, details, || until_reset(answer, now));
    let happened = if answer.status >= 500 { Happened::Unknown } else { Happened::No };
    let step = step(code, details);
    let fault = Fault::new(TITLE, kind, happened, answer.said(code), &message).with_request(request(answer));
    match step {
        Some(step) => fault.with_step(step),
        None => fault,
    }
}

/// What the error of an action means.
pub(super) fn of_action(answer: &Answer, error: &Value) -> Fault {
    let code = error["code"].as_str().unwrap_or("action_failed");
    let message = words(answer, error);
    let kind = kind(0, code, &message, &error["details"], || None);
    Fault::new(TITLE, kind, Happened::Unknown, answer.said(code), &message).with_request(request(answer))
}

/// The provider's message, with what its details say of fields.
fn words(answer: &Answer, error: &Value) -> String {
    let mut message = error["message"].as_str().unwrap_or_default().to_owned();
    for field in error["details"]["fields"].as_array().into_iter().flatten() {
        let said = field["messages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        if let (Some(name), false) = (field["name"].as_str(), said.is_empty()) {
            message.push_str(&format!("; {name}: {said}"));
        }
    }
    answer.said(&message)
}

fn request(answer: &Answer) -> Option<String> {
    answer.header("x-correlation-id").map(str::to_owned)
}

fn until_reset(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let at_s: u64 = answer.header("ratelimit-reset")?.parse().ok()?;
    Some(Duration::from_secs(at_s.saturating_sub(now.ms() / 1_000)).min(RESET_MAX))
}

fn kind(status: u16, code: &str, message: &str, details: &Value, reset: impl FnOnce() -> Option<Duration>) -> FaultKind {
    match code {
        "unauthorized" => FaultKind::CredentialDenied,
        "token_readonly" | "forbidden" | "protected" => FaultKind::Forbidden,
        "resource_limit_exceeded" => FaultKind::Quota,
        "resource_unavailable" | "placement_error" => FaultKind::NoCapacity,
        "uniqueness_error" => FaultKind::NameTaken,
        "rate_limit_exceeded" => FaultKind::RateLimited { retry_after: reset() },
        "conflict" | "locked" | "bad_gateway" | "timeout" | "unavailable" | "service_error" | "server_error" | "maintenance" => {
            FaultKind::Unavailable
        }
        "invalid_input" | "not_found" | "invalid_server_type" | "unsupported_error" => bad_input(message, details),
        _ => match status {
            401 => FaultKind::CredentialDenied,
            403 => FaultKind::Forbidden,
            429 => FaultKind::RateLimited { retry_after: reset() },
            500.. => FaultKind::Unavailable,
            _ => FaultKind::Unknown,
        },
    }
}

/// Which field is wrong: by its name where the details have it, by the words otherwise.
fn bad_input(message: &str, details: &Value) -> FaultKind {
    let fields = details["fields"].as_array().into_iter().flatten();
    let named = fields.filter_map(|field| field["name"].as_str()).find_map(|name| match name {
        "location" => Some(FaultKind::BadLocation),
        "server_type" => Some(FaultKind::BadMachineType),
        "image" => Some(FaultKind::BadImage),
        _ => None,
    });
    let words = message.to_ascii_lowercase();
    // "unsupported location for server type" is about the type: it is not sold there.
    let said = [
        ("server type", FaultKind::BadMachineType),
        ("server_type", FaultKind::BadMachineType),
        ("location", FaultKind::BadLocation),
        ("image", FaultKind::BadImage),
    ];
    named.or_else(|| said.into_iter().find(|(word, _)| words.contains(word)).map(|(_, kind)| kind)).unwrap_or(FaultKind::Unknown)
}

/// Where Hetzner's own steps are better than the usual ones.
fn step(code: &str, details: &Value) -> Option<String> {
    let tokens = "in Hetzner Console: your project, Security, API tokens";
    match code {
        "unauthorized" => Some(format!("Make a new API token with read and write access {tokens}; add it here and retry with it.")),
        "token_readonly" => Some(format!("This token may only read. Make one with read and write access {tokens}.")),
        "protected" => Some("Turn the server's protection off in Hetzner Console, then retry.".to_owned()),
        "resource_limit_exceeded" => {
            let limits = details["limits"].as_array().into_iter().flatten();
            let names = limits.filter_map(|limit| limit["name"].as_str()).collect::<Vec<_>>().join(", ");
            let which = if names.is_empty() { String::new() } else { format!(" ({names})") };
            Some(format!("Delete servers or addresses that are not needed, or ask for a higher limit{which} in Hetzner Console: Limits."))
        }
        _ => None,
    }
}
