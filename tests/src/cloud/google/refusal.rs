//! Every refusal of the API that matters to somebody who makes instances, with the status, reason and words that were seen of it.

use serde_json::{Value, json};

use super::LateFailure;
use crate::cloud::wire::Response;

/// A refusal of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token is none.
    BadToken,
    /// The API is not enabled in the project.
    ApiDisabled,
    /// The service account lacks a permission.
    NoPermission,
    /// The project has no billing account.
    NoBilling,
    /// A quota is used up.
    Quota,
    /// There is no such zone.
    UnknownZone(String),
    /// There is no such machine type.
    BadMachineType,
    /// There is no such machine type, told as a field.
    BadMachineTypeField,
    /// There is no such image.
    BadImage,
    /// There is none.
    NotFound(String),
    /// The name is taken.
    AlreadyExists(String),
    /// Something uses it.
    InUse(String),
    /// Too many calls, as it is mostly told.
    RateLimit,
    /// Too many calls, as a status.
    TooManyRequests,
    /// A field is missing or wrong.
    Invalid(&'static str),
    /// The filter can't be read.
    BadFilter(String),
    /// A mistake of theirs.
    Backend,
    /// An error without either list of details.
    Bare,
}

impl Refusal {
    /// There is no such resource.
    #[must_use]
    pub fn no_such(path: &str) -> Self {
        Self::NotFound(format!("The resource '{path}' was not found"))
    }

    /// There is such a resource.
    #[must_use]
    pub fn exists(path: &str) -> Self {
        Self::AlreadyExists(format!("The resource 'projects/{}/{path}' already exists", super::PROJECT))
    }

    /// As the API answers.
    #[must_use]
    pub fn response(&self) -> Response {
        let image = "projects/debian-cloud/global/images/family/debian-1";
        let kind = "projects/spunto-fake/zones/us-central1-a/machineTypes/e2-nothing";
        let (status, reason, message) = match self {
            Self::BadToken => (401, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.".to_owned()),
            Self::ApiDisabled => (403, "accessNotConfigured", "Compute Engine API has not been used in project 4711 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project=4711 then retry.".to_owned()),
            Self::NoPermission => (403, "forbidden", "Required 'compute.instances.create' permission for 'projects/spunto-fake/zones/us-central1-a/instances/x'".to_owned()),
            Self::NoBilling => (403, "billingDisabled", "This API method requires billing to be enabled.".to_owned()),
            Self::Quota => (403, "quotaExceeded", "Quota 'IN_USE_ADDRESSES' exceeded.  Limit: 30.0 in region us-central1.".to_owned()),
            Self::UnknownZone(zone) => (400, "invalid", format!("Invalid value for field 'zone': '{zone}'. Unknown zone.")),
            Self::BadMachineType => (404, "notFound", format!("The resource '{kind}' was not found")),
            Self::BadMachineTypeField => (400, "invalid", format!("Invalid value for field 'resource.machineType': '{kind}'. The referenced resource does not exist.")),
            Self::BadImage => (404, "notFound", format!("The resource '{image}' was not found")),
            Self::NotFound(message) => (404, "notFound", message.clone()),
            Self::AlreadyExists(message) => (409, "alreadyExists", message.clone()),
            Self::InUse(path) => (400, "resourceInUseByAnotherResource", format!("The disk resource '{path}' is already being used")),
            Self::RateLimit => (403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute.googleapis.com'".to_owned()),
            Self::TooManyRequests => (429, "rateLimitExceeded", "Rate Limit Exceeded".to_owned()),
            Self::Invalid(field) => (400, "invalid", format!("Invalid value for field '{field}': ''. ")),
            Self::BadFilter(filter) => (400, "invalid", format!("Invalid value for field 'filter': '{filter}'. Invalid list filter expression.")),
            Self::Backend => (503, "backendError", "Internal error. Please try again or contact Google Support.".to_owned()),
            Self::Bare => return Response::json(403, &json!({ "error": { "code": 403, "message": "no" } })),
        };
        let mut error =
            json!({ "code": status, "message": message, "errors": [{ "message": message, "domain": "global", "reason": reason }] });
        if status == 401 {
            error["status"] = json!("UNAUTHENTICATED");
        }
        Response::json(status, &json!({ "error": error }))
    }
}

/// The zone has no such machine, told in the short form.
#[must_use]
pub fn exhausted() -> LateFailure {
    let message = "The zone 'projects/spunto-fake/zones/us-central1-a' does not have enough resources available to fulfill the request.  Try a different zone, or try again later.";
    LateFailure { status: 503, errors: json!([{ "code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": message }]) }
}

/// The zone has no such machine, told with a sentence for people and with zones that have.
#[must_use]
pub fn exhausted_with_details() -> LateFailure {
    let details = json!([
        { "errorInfo": { "reason": "resource_availability", "domain": "compute.googleapis.com",
            "metadatas": { "zone": "us-central1-a", "zonesAvailable": "us-central1-b, us-central1-f", "vmType": "e2-medium" } } },
        { "help": { "links": [{ "description": "Additional documentation", "url": "https://cloud.google.com/compute/docs/resource-error" }] } },
        { "localizedMessage": { "locale": "en-US", "message": "An e2-medium VM instance is currently unavailable in the us-central1-a zone. Consider trying your request in the us-central1-b, us-central1-f zone(s)." } },
    ]);
    let error = json!({ "code": "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "message": "The zone does not have enough resources available to fulfill the request, '(resource type:compute)'.", "errorDetails": details });
    LateFailure { status: 503, errors: json!([error]) }
}

/// A quota is used up, found out late.
#[must_use]
pub fn quota() -> LateFailure {
    let details =
        json!([{ "quotaInfo": { "metricName": "compute.googleapis.com/cpus", "limitName": "CPUS-per-project-region", "limit": 8.0 } }]);
    let error = json!({ "code": "QUOTA_EXCEEDED", "message": "Quota 'CPUS' exceeded.  Limit: 8.0 in region us-central1.", "errorDetails": details });
    LateFailure { status: 403, errors: json!([error]) }
}

/// A failure that says next to nothing.
#[must_use]
pub fn silent() -> LateFailure {
    LateFailure { status: 500, errors: Value::Array(Vec::new()) }
}
