//! An event as clients see it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use spunto_actors::directory::Deed;
use spunto_core::event::{Event, schemas};
use spunto_core::id::OrgId;
use spunto_core::record::{Record, StreamId};
use spunto_core::time::Timestamp;

use crate::app::App;

/// An event with all that surrounds it.
#[derive(Serialize)]
pub struct EventView {
    position: String,
    kind: &'static str,
    at: Timestamp,
    actor: String,
    org: Option<OrgId>,
    stream: String,
    stream_version: u64,
    correlation: String,
    /// Position of the event that led to it.
    causation: Option<String>,
    payload: Event,
}

/// The text of a stream's id: that of what it is about.
#[must_use]
pub fn stream_text(stream: StreamId) -> String {
    match stream {
        StreamId::System => "system".to_owned(),
        StreamId::Org(id) => id.to_string(),
        StreamId::Node(id) => id.to_string(),
        StreamId::Worker(id) => id.to_string(),
        StreamId::Deployment(id) => id.to_string(),
    }
}

/// What an event is about: a part of an organisation where there is one, as those have no stream of their own; else its stream.
fn subject(record: &Record) -> String {
    match &record.event {
        Event::ProjectCreated(event) => event.project.to_string(),
        Event::ProjectRenamed(event) => event.project.to_string(),
        Event::ProjectDeleted(event) => event.project.to_string(),
        Event::ApiKeyCreated(event) => event.key.to_string(),
        Event::ApiKeyRevoked(event) => event.key.to_string(),
        Event::CredentialAdded(event) => event.credential.to_string(),
        Event::CredentialReplaced(event) => event.credential.to_string(),
        Event::CredentialDeleted(event) => event.credential.to_string(),
        Event::LeftoverRemovalRequested(event) => event.credential.to_string(),
        Event::MemberAdded(event) => event.user.to_string(),
        Event::MemberRoleChanged(event) => event.user.to_string(),
        Event::MemberRemoved(event) => event.user.to_string(),
        Event::InvitationCreated(event) => event.user.to_string(),
        _ => stream_text(record.stream),
    }
}

/// Every kind has a payload of its own shape, so that a generated client knows it by the kind.
impl JsonSchema for EventView {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string" });
        let optional = json_schema!({ "type": ["string", "null"] });
        let (at, org) = (generator.subschema_for::<Timestamp>(), generator.subschema_for::<Option<OrgId>>());
        let kinds: Vec<Schema> = schemas(generator)
            .into_iter()
            .map(|(kind, payload)| json_schema!({ "type": "object", "required": ["kind", "payload"], "properties": { "kind": { "const": kind }, "payload": payload } }))
            .collect();
        json_schema!({
            "description": "An event with all that surrounds it.",
            "type": "object",
            "required": ["position", "kind", "at", "actor", "org", "stream", "stream_version", "correlation", "causation", "payload"],
            "properties": {
                "position": text, "at": at, "actor": text, "org": org, "stream": text,
                "stream_version": { "type": "integer", "minimum": 1 }, "correlation": text, "causation": optional,
            },
            "oneOf": kinds,
        })
    }
}

impl EventView {
    /// Of this record.
    #[must_use]
    pub fn new(app: &App, record: &Record) -> Self {
        Self {
            position: app.at(record.seq).to_string(),
            kind: record.event.name(),
            at: record.at,
            actor: record.actor.to_string(),
            org: record.org,
            stream: stream_text(record.stream),
            stream_version: record.stream_version,
            correlation: format!("{:016x}", record.correlation),
            causation: (record.causation > 0).then(|| app.at(record.causation).to_string()),
            payload: record.event.clone(),
        }
    }
}

/// What somebody did.
#[derive(Serialize, JsonSchema)]
pub struct AuditEntry {
    /// Where the event stands.
    position: String,
    /// When.
    at: Timestamp,
    /// Who: a person, a key, or `operator`.
    actor: String,
    /// From where; none for what happened at the server's own command line.
    address: Option<String>,
    /// What, by its event's kind.
    action: &'static str,
    /// To what or whom: the id of the node, worker, deployment, project, key, credential, person or organisation.
    subject: String,
    /// The request, as its `X-Request-Id` said.
    request: String,
}

impl AuditEntry {
    /// Of this deed and its event.
    #[must_use]
    pub fn new(app: &App, deed: &Deed, record: &Record) -> Self {
        Self {
            position: app.at(record.seq).to_string(),
            at: record.at,
            actor: deed.actor.to_string(),
            address: deed.address.as_deref().map(str::to_owned),
            action: record.event.name(),
            subject: subject(record),
            request: format!("{:016x}", record.correlation),
        }
    }
}
