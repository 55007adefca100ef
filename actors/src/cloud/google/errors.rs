//! What Google's errors mean: those of calls, of operations that were begun, and of the token endpoint. By reason or code; by the text
//! only for `invalid` and `notFound`, which name the field or the resource in nothing else.

use std::time::Duration;

use serde_json::Value;

use super::TITLE;
use crate::cloud::fault::{Fault, FaultKind, Happened};
use crate::cloud::http::Answer;

/// Whether the API itself has answered, and not something on the way.
pub(super) fn is_ours(answer: &Answer) -> bool {
    answer.json::<Value>().is_some_and(|value| value["error"]["message"].is_string())
}

/// What an answer that is no success means.
pub(super) fn fault(answer: &Answer) -> Fault {
    let value = answer.json::<Value>().unwrap_or_default();
    let error = &value["error"];
    if !error.is_object() {
        return answer.unreadable().with_request(request(answer));
    }
    // Both lists are optional; the older one has the finer word.
    let detailed = error["details"].as_array().into_iter().flatten().find_map(|detail| detail["reason"].as_str());
    let status = error["status"].as_str();
    let number = answer.status.to_string();
    let code = error["errors"][0]["reason"].as_str().or(detailed).or(status).unwrap_or(&number);
    let message = answer.said(error["message"].as_str().unwrap_or_default());
    let mut kind = kind(answer.status, code, &message);
    if let FaultKind::RateLimited { retry_after } = &mut kind {
        *retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    }
    let happened = if answer.status >= 500 { Happened::Unknown } else { Happened::No };
    let step = step(&kind, code, &message);
    with(Fault::new(TITLE, kind, happened, answer.said(code), &message).with_request(request(answer)), step)
}

/// Why an operation failed; none where it did not.
pub(super) fn of_operation(operation: &Value) -> Option<Fault> {
    let http = operation["httpErrorStatusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let error = match operation["error"]["errors"].as_array().and_then(|errors| errors.first()) {
        Some(error) => error,
        None if operation["error"].is_object() || http.is_some() => &Value::Null,
        None => return None,
    };
    let code = error["code"].as_str().or_else(|| operation["httpErrorMessage"].as_str()).unwrap_or("operation_failed");
    let details = error["errorDetails"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The localised message is a sentence where the plain one may be a template.
    let localised = details.iter().find_map(|detail| detail["localizedMessage"]["message"].as_str());
    let message = localised.or_else(|| error["message"].as_str()).or_else(|| operation["httpErrorMessage"].as_str()).unwrap_or_default();
    let zones = details.iter().find_map(|detail| detail["errorInfo"]["metadatas"]["zonesAvailable"].as_str()).unwrap_or_default();
    let zones = zones.split(',').map(str::trim).filter(|zone| !zone.is_empty()).map(str::to_owned).collect();
    let kind = kind(http.unwrap_or(0), code, message);
    let step = step(&kind, code, message);
    let request = operation["name"].as_str().map(str::to_owned);
    Some(with(Fault::new(TITLE, kind, Happened::Unknown, code, message).with_request(request).with_alternatives(zones), step))
}

/// What the token endpoint's refusal means.
pub(super) fn of_exchange(answer: &Answer) -> Fault {
    let value = answer.json::<Value>().unwrap_or_default();
    let Some(code) = value["error"].as_str() else {
        return if is_ours(answer) { fault(answer) } else { answer.unreadable() };
    };
    let message = answer.said(value["error_description"].as_str().unwrap_or(code));
    let kind = match (answer.status, code) {
        (429, _) => FaultKind::RateLimited { retry_after: None },
        (500.., _) => FaultKind::Unavailable,
        (_, "invalid_grant" | "invalid_client" | "unauthorized_client" | "deleted_client") => FaultKind::CredentialDenied,
        (_, "access_denied") => FaultKind::Forbidden,
        _ => FaultKind::Unknown,
    };
    // The one thing besides a dead key that makes a statement invalid.
    let step = message.contains("iat").then(|| "Set this server's clock right, then retry.".to_owned());
    let renew = || Some("Make a new key for the service account (IAM, Service accounts, Keys); add it here and retry with it.".to_owned());
    let step = step.or_else(|| if kind == FaultKind::CredentialDenied { renew() } else { None });
    with(Fault::new(TITLE, kind, Happened::No, answer.said(code), &message).with_request(request(answer)), step)
}

fn with(fault: Fault, step: Option<String>) -> Fault {
    match step {
        Some(step) => fault.with_step(step),
        None => fault,
    }
}

fn request(answer: &Answer) -> Option<String> {
    answer.header("x-goog-request-id").or_else(|| answer.header("x-guploader-uploadid")).map(str::to_owned)
}

fn kind(status: u16, code: &str, message: &str) -> FaultKind {
    match code {
        "authError" | "UNAUTHENTICATED" | "ACCESS_TOKEN_EXPIRED" => FaultKind::CredentialDenied,
        "accessNotConfigured"
        | "SERVICE_DISABLED"
        | "forbidden"
        | "PERMISSION_DENIED"
        | "PERMISSIONS_ERROR"
        | "billingDisabled"
        | "BILLING_DISABLED"
        | "IAM_PERMISSION_DENIED"
        | "conditionNotMet" => FaultKind::Forbidden,
        "quotaExceeded" | "QUOTA_EXCEEDED" | "limitExceeded" => FaultKind::Quota,
        "rateLimitExceeded" | "userRateLimitExceeded" | "dailyLimitExceeded" | "RATE_LIMIT_EXCEEDED" => {
            FaultKind::RateLimited { retry_after: None }
        }
        "ZONE_RESOURCE_POOL_EXHAUSTED" | "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS" | "STOCKOUT" | "stockout" => FaultKind::NoCapacity,
        "alreadyExists" | "RESOURCE_ALREADY_EXISTS" => FaultKind::NameTaken,
        "resourceNotReady"
        | "RESOURCE_NOT_READY"
        | "resourceInUseByAnotherResource"
        | "backendError"
        | "internalError"
        | "INTERNAL_ERROR" => FaultKind::Unavailable,
        "invalid" | "notFound" | "badRequest" | "RESOURCE_NOT_FOUND" | "INVALID_FIELD_VALUE" | "INVALID_ARGUMENT" | "NOT_FOUND" => {
            bad_input(message)
        }
        _ => match status {
            401 => FaultKind::CredentialDenied,
            403 => FaultKind::Forbidden,
            429 => FaultKind::RateLimited { retry_after: None },
            500.. => FaultKind::Unavailable,
            _ => FaultKind::Unknown,
        },
    }
}

/// Which part of an order is wrong. A resource's path names the zone, too, so what is more special comes first.
fn bad_input(message: &str) -> FaultKind {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["/machineTypes/", "machineType", "machine type"]) {
        FaultKind::BadMachineType
    } else if says(&["/images/", "sourceImage", "resource.disks[0].initializeParams"]) {
        FaultKind::BadImage
    } else if says(&["/instances/", "/operations/", "/disks/", "/networks/", "/subnetworks/", "/diskTypes/"]) {
        FaultKind::Unknown
    } else if says(&["field 'zone'", "/zones/", "Unknown zone", "Invalid zone"]) {
        FaultKind::BadLocation
    } else if says(&["'projects/", "project"]) {
        FaultKind::CredentialDenied
    } else {
        FaultKind::Unknown
    }
}

/// Where Google's own steps are better than the usual ones.
fn step(kind: &FaultKind, code: &str, message: &str) -> Option<String> {
    let step = match (kind, code) {
        (_, "accessNotConfigured" | "SERVICE_DISABLED") => {
            "Enable the Compute Engine API for this project (the message has the link), wait some minutes, then retry."
        }
        (_, "billingDisabled" | "BILLING_DISABLED") => "Attach a billing account to the project, then retry.",
        (FaultKind::Forbidden, _) => "Give the service account the role Compute Instance Admin (v1) on the project (IAM), then retry.",
        (FaultKind::Quota, _) => "Ask for a higher quota (IAM and admin, Quotas) or choose another region, then retry.",
        (FaultKind::CredentialDenied, "notFound") => "The key's project does not exist any more: make a key in another project and add it.",
        (FaultKind::Unknown, _) if message.contains("/networks/") => {
            "The project needs a VPC network called default: make one with subnets, then retry."
        }
        _ => return None,
    };
    Some(step.to_owned())
}
