//! Servers and actions.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{began, catalog};
use crate::cloud::Happening;
use crate::cloud::operation::now;

const USER_DATA_BYTES_MAX: usize = 32 * 1024;

/// What a request asks for, checked as the API checks.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) server_type: String,
    pub(super) location: String,
    image: String,
    labels: BTreeMap<String, String>,
    user_data: String,
    starts: bool,
}

impl Wanted {
    pub(super) fn read(body: &Value) -> Result<Self, Refusal> {
        let text = |name: &'static str| body[name].as_str().filter(|text| !text.is_empty()).ok_or(Refusal::Invalid(name));
        let (name, server_type, image) = (text("name")?, text("server_type")?, text("image")?);
        let host = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.len() <= 63;
        let letters = name.chars().all(|char| char.is_ascii_alphanumeric() || ".-".contains(char));
        if !letters || !name.split('.').all(host) {
            return Err(Refusal::Invalid("name"));
        }
        if !catalog::is_server_type(server_type) {
            return Err(Refusal::UnknownServerType);
        }
        if !catalog::is_image(image) {
            return Err(Refusal::UnknownImage);
        }
        let location = body["location"].as_str().unwrap_or("fsn1");
        if !catalog::is_location(location) {
            return Err(Refusal::UnknownLocation);
        }
        if !catalog::is_sold(server_type, location) {
            return Err(Refusal::TypeNotSoldThere);
        }
        let labels: BTreeMap<String, String> = match &body["labels"] {
            Value::Null => BTreeMap::new(),
            labels => serde_json::from_value(labels.clone()).map_err(|_| Refusal::Invalid("labels"))?,
        };
        let fits = |text: &str| text.len() <= 63 && text.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char));
        if !labels.iter().all(|(key, value)| fits(key) && fits(value)) {
            return Err(Refusal::Invalid("labels"));
        }
        let user_data = body["user_data"].as_str().unwrap_or_default();
        if user_data.len() > USER_DATA_BYTES_MAX {
            return Err(Refusal::Invalid("user_data"));
        }
        Ok(Self {
            name: name.to_owned(),
            server_type: server_type.to_owned(),
            location: location.to_owned(),
            image: image.to_owned(),
            labels,
            user_data: user_data.to_owned(),
            starts: body["start_after_create"].as_bool().unwrap_or(true),
        })
    }
}

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    id: u64,
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) protected: bool,
    server_type: String,
    location: String,
    image: String,
    user_data: String,
    created: String,
}

impl Server {
    pub(super) fn new(id: u64, wanted: Wanted) -> Self {
        Self {
            id,
            name: wanted.name,
            status: if wanted.starts { "initializing" } else { "off" },
            labels: wanted.labels,
            protected: false,
            server_type: wanted.server_type,
            location: wanted.location,
            image: wanted.image,
            user_data: wanted.user_data,
            created: now(),
        }
    }

    pub(super) fn by_hand(id: u64, name: &str) -> Self {
        let wanted = Wanted {
            name: name.to_owned(),
            server_type: "cx23".to_owned(),
            location: "fsn1".to_owned(),
            image: "debian-12".to_owned(),
            labels: BTreeMap::new(),
            user_data: String::new(),
            starts: true,
        };
        Self { status: "running", ..Self::new(id, wanted) }
    }

    fn address(&self) -> String {
        format!("203.0.{}.{}", self.id / 256 % 256, self.id % 256)
    }

    pub(super) fn booted(&self) -> Happening {
        Happening::Booted { name: self.name.clone(), user_data: self.user_data.clone(), address: self.address() }
    }

    /// The addresses that came along; they go with the server.
    pub(super) fn addresses(&self) -> [Value; 2] {
        [("ipv4", 1_000_000), ("ipv6", 2_000_000)].map(|(kind, base)| {
            json!({ "id": base + self.id, "type": kind, "name": format!("primary_ip-{}", base + self.id), "ip": self.address(),
                "assignee_id": self.id, "assignee_type": "server", "auto_delete": true, "blocked": false, "created": self.created,
                "labels": {}, "protection": { "delete": false }, "dns_ptr": [], "location": catalog::location(&self.location) })
        })
    }

    pub(super) fn json(&self) -> Value {
        let v4 =
            json!({ "id": 1_000_000 + self.id, "ip": self.address(), "blocked": false, "dns_ptr": format!("static.{}.example", self.id) });
        let v6 = json!({ "id": 2_000_000 + self.id, "ip": format!("2001:db8:{:x}::/64", self.id), "blocked": false, "dns_ptr": [] });
        json!({
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "created": self.created,
            "public_net": { "ipv4": v4, "ipv6": v6, "floating_ips": [], "firewalls": [] },
            "private_net": [],
            "server_type": catalog::server_type(&self.server_type, &[]),
            "location": catalog::location(&self.location),
            "image": catalog::image(&self.image),
            "iso": null,
            "rescue_enabled": false,
            "locked": false,
            "backup_window": null,
            "outgoing_traffic": 0,
            "ingoing_traffic": 0,
            "included_traffic": 21_990_232_555_520_u64,
            "protection": { "delete": self.protected, "rebuild": self.protected },
            "labels": self.labels,
            "volumes": [],
            "load_balancers": [],
            "primary_disk_size": 40,
            "placement_group": null,
        })
    }
}

/// An action: something that takes time.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) id: u64,
    pub(super) command: &'static str,
    pub(super) server: u64,
    pub(super) status: &'static str,
    pub(super) began: Instant,
    fails: Option<(String, String)>,
    started: String,
    finished: Option<String>,
}

impl Action {
    pub(super) fn new(id: u64, command: &'static str, server: u64, fails: Option<(String, String)>) -> Self {
        Self { id, command, server, status: "running", began: began(), fails, started: now(), finished: None }
    }

    pub(super) fn finish(&mut self) {
        self.status = if self.fails.is_some() { "error" } else { "success" };
        self.finished = Some(now());
    }

    pub(super) fn fail(&mut self, code: &str, message: &str) {
        self.fails = Some((code.to_owned(), message.to_owned()));
        self.finish();
    }

    pub(super) fn json(&self) -> Value {
        let failed = self.fails.as_ref().filter(|_| self.status == "error");
        json!({
            "id": self.id,
            "command": self.command,
            "status": self.status,
            "progress": if self.status == "running" { 42 } else { 100 },
            "started": self.started,
            "finished": self.finished,
            "resources": [{ "id": self.server, "type": "server" }],
            "error": failed.map(|(code, message)| json!({ "code": code, "message": message })),
        })
    }
}
