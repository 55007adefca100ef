//! Instances, disks and operations.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{LateFailure, PROJECT, catalog};
use crate::cloud::Happening;
use crate::cloud::operation::now;

const METADATA_BYTES_MAX: usize = 256 * 1024;
const HOST: &str = "https://www.googleapis.com/compute/v1";

fn url(path: &str) -> String {
    format!("{HOST}/projects/{PROJECT}/{path}")
}

/// Whether a request id is one.
pub(super) fn check_uuid(id: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = id.split('-').collect();
    let lengths = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]);
    let hex = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if lengths && hex && id.bytes().any(|byte| byte != b'0' && byte != b'-') { Ok(()) } else { Err(Refusal::Invalid("requestId")) }
}

fn is_name(name: &str) -> bool {
    let inside = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    inside && name.len() <= 63 && name.starts_with(|char: char| char.is_ascii_lowercase()) && !name.ends_with('-')
}

fn labels(value: &Value, field: &'static str) -> Result<BTreeMap<String, String>, Refusal> {
    let labels: BTreeMap<String, String> = match value {
        Value::Null => BTreeMap::new(),
        labels => serde_json::from_value(labels.clone()).map_err(|_| Refusal::Invalid(field))?,
    };
    let fits = |text: &str| {
        text.len() <= 63 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    let keys = labels.keys().all(|key| key.starts_with(|char: char| char.is_ascii_lowercase()));
    if keys && labels.iter().all(|(key, value)| fits(key) && fits(value)) { Ok(labels) } else { Err(Refusal::Invalid(field)) }
}

/// An instance.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) id: u64,
    pub(super) zone: String,
    pub(super) name: String,
    pub(super) status: &'static str,
    labels: BTreeMap<String, String>,
    machine_type: String,
    metadata: Value,
    public: bool,
    created: String,
}

/// A boot disk, called like its instance.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) id: u64,
    zone: String,
    name: String,
    labels: BTreeMap<String, String>,
    /// The instance that uses it.
    pub(super) user: Option<String>,
    pub(super) auto_delete: bool,
    size_gb: String,
    created: String,
}

/// Fields that a request may have: an unknown one is refused, as the API does.
const FIELDS: [&str; 10] =
    ["name", "machineType", "labels", "disks", "networkInterfaces", "metadata", "serviceAccounts", "tags", "scheduling", "description"];

impl Instance {
    pub(super) fn read(id: u64, zone: &str, body: &Value) -> Result<(Self, Disk), Refusal> {
        let fields = body.as_object().ok_or(Refusal::Invalid("resource"))?;
        if fields.keys().any(|field| !FIELDS.contains(&field.as_str())) {
            return Err(Refusal::Invalid("resource (unknown field)"));
        }
        let name = body["name"].as_str().filter(|name| is_name(name)).ok_or(Refusal::Invalid("resource.name"))?;
        let machine_type = body["machineType"].as_str().and_then(|path| path.strip_prefix(&format!("zones/{zone}/machineTypes/")));
        let machine_type = machine_type.ok_or(Refusal::Invalid("resource.machineType"))?;
        if !catalog::is_machine_type(machine_type) {
            return Err(Refusal::no_such(&format!("projects/{PROJECT}/zones/{zone}/machineTypes/{machine_type}")));
        }
        let disk = &body["disks"][0];
        let image =
            disk["initializeParams"]["sourceImage"].as_str().ok_or(Refusal::Invalid("resource.disks[0].initializeParams.sourceImage"))?;
        if !catalog::is_image(image) {
            return Err(Refusal::no_such(image));
        }
        let size = &disk["initializeParams"]["diskSizeGb"];
        if !size.is_null() && !size.is_string() {
            return Err(Refusal::Invalid("resource.disks[0].initializeParams.diskSizeGb"));
        }
        let interface = &body["networkInterfaces"][0];
        if interface["network"].as_str() != Some("global/networks/default") {
            return Err(Refusal::Invalid("resource.networkInterfaces[0].network"));
        }
        let items = body["metadata"]["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if items
            .iter()
            .any(|item| item["key"].as_str().is_none() || item["value"].as_str().is_none_or(|value| value.len() > METADATA_BYTES_MAX))
        {
            return Err(Refusal::Invalid("resource.metadata"));
        }
        let (zone, name, created) = (zone.to_owned(), name.to_owned(), now());
        let boot = Disk {
            id: id + 500_000,
            zone: zone.clone(),
            name: name.clone(),
            labels: labels(&disk["initializeParams"]["labels"], "resource.disks[0].initializeParams.labels")?,
            user: Some(url(&format!("zones/{zone}/instances/{name}"))),
            auto_delete: disk["autoDelete"].as_bool().unwrap_or(false),
            size_gb: size.as_str().unwrap_or("10").to_owned(),
            created: created.clone(),
        };
        let instance = Self {
            id,
            zone,
            name,
            status: "PROVISIONING",
            labels: labels(&body["labels"], "resource.labels")?,
            machine_type: machine_type.to_owned(),
            metadata: body["metadata"].clone(),
            public: interface["accessConfigs"][0]["type"].as_str() == Some("ONE_TO_ONE_NAT"),
            created,
        };
        Ok((instance, boot))
    }

    pub(super) fn by_hand(id: u64, zone: &str, name: &str) -> Self {
        Self {
            id,
            zone: zone.to_owned(),
            name: name.to_owned(),
            status: "RUNNING",
            labels: BTreeMap::new(),
            machine_type: "e2-medium".to_owned(),
            metadata: json!({}),
            public: true,
            created: now(),
        }
    }

    fn address(&self) -> String {
        format!("198.51.{}.{}", self.id / 256 % 256, self.id % 256)
    }

    pub(super) fn booted(&self) -> Happening {
        let items = self.metadata["items"].as_array().into_iter().flatten();
        let script = items.into_iter().find(|item| matches!(item["key"].as_str(), Some("startup-script" | "user-data")));
        let user_data = script.and_then(|item| item["value"].as_str()).unwrap_or_default().to_owned();
        Happening::Booted { name: self.name.clone(), user_data, address: self.address() }
    }

    pub(super) fn json(&self) -> Value {
        let path = format!("zones/{}/instances/{}", self.zone, self.name);
        let mut interface = json!({ "kind": "compute#networkInterface", "name": "nic0", "network": url("global/networks/default"), "networkIP": "10.128.0.2", "stackType": "IPV4_ONLY" });
        if self.public {
            let mut access =
                json!({ "kind": "compute#accessConfig", "name": "External NAT", "type": "ONE_TO_ONE_NAT", "networkTier": "PREMIUM" });
            // Known once the instance has begun to start.
            access["natIP"] = json!(self.address());
            interface["accessConfigs"] = json!([access]);
        }
        json!({
            "kind": "compute#instance",
            "id": self.id.to_string(),
            "creationTimestamp": self.created,
            "name": self.name,
            "status": self.status,
            "zone": url(&format!("zones/{}", self.zone)),
            "machineType": url(&format!("zones/{}/machineTypes/{}", self.zone, self.machine_type)),
            "labels": self.labels,
            "metadata": self.metadata,
            "networkInterfaces": [interface],
            "disks": [{ "kind": "compute#attachedDisk", "boot": true, "autoDelete": true, "source": url(&format!("zones/{}/disks/{}", self.zone, self.name)) }],
            "deletionProtection": false,
            "selfLink": url(&path),
        })
    }
}

impl Disk {
    pub(super) fn json(&self) -> Value {
        let mut disk = json!({
            "kind": "compute#disk",
            "id": self.id.to_string(),
            "creationTimestamp": self.created,
            "name": self.name,
            "sizeGb": self.size_gb,
            "zone": url(&format!("zones/{}", self.zone)),
            "status": "READY",
            "labels": self.labels,
            "selfLink": url(&format!("zones/{}/disks/{}", self.zone, self.name)),
        });
        if let Some(user) = &self.user {
            disk["users"] = json!([user]);
        }
        disk
    }
}

/// An operation: something that takes time.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) request: Option<String>,
    pub(super) zone: String,
    pub(super) began: Instant,
    pub(super) done: bool,
    pub(super) fails: Option<LateFailure>,
    id: u64,
    target: String,
    target_id: u64,
    started: String,
}

impl Operation {
    pub(super) fn new(id: u64, kind: &'static str, request: Option<String>, zone: &str, target: &str, target_id: u64) -> Self {
        Self {
            name: format!("operation-{id}-5c337ae050659-94b474c4"),
            kind,
            request,
            zone: zone.to_owned(),
            began: Instant::now(),
            done: false,
            fails: None,
            id,
            target: target.to_owned(),
            target_id,
            started: now(),
        }
    }

    /// The list and name of what it is about.
    pub(super) fn target_parts(&self) -> (&'static str, String) {
        let list = if self.target.contains("/disks/") { "disks" } else { "instances" };
        (list, self.target.rsplit('/').next().unwrap_or_default().to_owned())
    }

    pub(super) fn json(&self) -> Value {
        let mut operation = json!({
            "kind": "compute#operation",
            "id": self.id.to_string(),
            "name": self.name,
            "operationType": self.kind,
            "targetLink": url(&self.target),
            "targetId": self.target_id.to_string(),
            "status": if self.done { "DONE" } else { "RUNNING" },
            "user": "worker@spunto-fake.iam.gserviceaccount.com",
            "progress": if self.done { 100 } else { 0 },
            "insertTime": self.started,
            "startTime": self.started,
            "zone": url(&format!("zones/{}", self.zone)),
            "selfLink": url(&format!("zones/{}/operations/{}", self.zone, self.name)),
        });
        if let Some(request) = &self.request {
            operation["clientOperationId"] = json!(request);
        }
        if let (true, Some(failure)) = (self.done, &self.fails) {
            operation["error"] = json!({ "errors": failure.errors });
            operation["httpErrorStatusCode"] = json!(failure.status);
            operation["httpErrorMessage"] = json!("SERVICE UNAVAILABLE");
        }
        operation
    }
}
