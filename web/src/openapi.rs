//! The API's description (OpenAPI 3.1), put together from the table of endpoints. `web/openapi.json` is its snapshot: a change of
//! the API is a change of that file, to be looked at.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::auth::{COOKIE, CSRF_HEADER};
use crate::endpoint::{Endpoint, Rule};

pub mod doc;
pub mod page;

use doc::{Content, Doc, Shape};

/// How a position is written.
const POSITION: &str = r"^[0-9a-f]{16}\.[0-9]{1,9}\.[0-9]{1,18}$";

/// An error of any call. `Problem` writes it by hand, as it may have further members.
#[derive(Serialize, JsonSchema)]
struct ProblemBody {
    /// `urn:spunto:problem:` and the code.
    r#type: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// Stable; for programs.
    code: String,
}

/// Shapes that callers send and shapes that they get differ where a member may be left out, so each has a generator of its own.
struct Generators {
    sent: SchemaGenerator,
    got: SchemaGenerator,
}

impl Generators {
    fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings
        };
        Self { sent: settings().for_deserialize().into_generator(), got: settings().for_serialize().into_generator() }
    }

    fn definitions(&mut self) -> Map<String, Value> {
        let mut all = self.got.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all
    }
}

/// The document for these endpoints.
#[must_use]
pub fn document(endpoints: &[Endpoint]) -> Value {
    let mut generators = Generators::new();
    let problem = generators.got.subschema_for::<ProblemBody>().to_value();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints {
        let Some(doc) = &endpoint.doc else { continue };
        let operation = operation(endpoint, doc, &mut generators);
        let path = paths.entry(endpoint.path.to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(endpoint.method.as_str().to_lowercase(), operation);
        }
    }
    let answers = json!({ "Problem": {
        "description": "An error (RFC 9457): `code` is stable, `detail` says what to do.",
        "content": { "application/problem+json": { "schema": problem } },
    }});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Spunto",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Servers become nodes, nodes run isolated workers, and every change is an event. An organisation that is not yours answers like one that does not exist.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "this server" }],
        "tags": groups(endpoints),
        "paths": paths,
        "components": { "schemas": generators.definitions(), "responses": answers, "securitySchemes": schemes() },
    })
}

fn groups(endpoints: &[Endpoint]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for group in endpoints.iter().filter_map(|endpoint| endpoint.doc.as_ref()).map(Doc::group) {
        if !names.contains(&group) {
            names.push(group);
        }
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn schemes() -> Value {
    let cookie = format!("A browser's session. Send {CSRF_HEADER}: 1 along on everything that changes something.");
    json!({
        "session": { "type": "apiKey", "in": "cookie", "name": COOKIE, "description": cookie },
        "key": { "type": "http", "scheme": "bearer", "description": "An API key, spk_…; it opens one organisation." },
    })
}

fn operation(endpoint: &Endpoint, doc: &Doc, generators: &mut Generators) -> Value {
    let mut parameters = path_parameters(endpoint.path);
    parameters.extend(doc.query.iter().flat_map(|shape| query_parameters(*shape, &mut generators.sent)));
    parameters.extend(header_parameters(endpoint, doc));
    let mut operation = json!({
        "operationId": doc.id,
        "tags": [doc.group()],
        "summary": doc.summary,
        "parameters": parameters,
        "responses": answers(endpoint, doc, &mut generators.got),
        "security": security(endpoint.rule),
        "x-spunto-rule": rule(endpoint.rule),
    });
    if let (Some(shape), Value::Object(members)) = (doc.body, &mut operation) {
        let schema = shape(&mut generators.sent);
        members.insert("requestBody".into(), json!({ "required": true, "content": { "application/json": { "schema": schema } } }));
    }
    operation
}

fn security(rule: Rule) -> Value {
    match rule {
        Rule::Public | Rule::Agent | Rule::Operator => json!([]),
        Rule::Person => json!([{ "session": [] }]),
        Rule::SignedIn | Rule::Org(_) => json!([{ "session": [] }, { "key": [] }]),
    }
}

/// Who may call it, for programs: tests try every route with every role and scope.
fn rule(rule: Rule) -> Value {
    match rule {
        Rule::Public => json!({ "who": "public" }),
        Rule::Agent => json!({ "who": "agent" }),
        Rule::Operator => json!({ "who": "operator" }),
        Rule::SignedIn => json!({ "who": "signed_in" }),
        Rule::Person => json!({ "who": "person" }),
        Rule::Org(permission) => json!({ "who": "org", "role": permission.role, "scope": permission.scope }),
    }
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split(['{', '}']).skip(1).step_by(2);
    let parameter = |name: &str| {
        let prefix = match name {
            "org" => "org",
            "user" => "usr",
            "project" => "prj",
            "key" => "key",
            "node" => "nod",
            "worker" => "wkr",
            "deployment" => "dep",
            _ => "svc",
        };
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "pattern": format!("^{prefix}_[a-z2-7]{{13}}$") } })
    };
    names.map(parameter).collect()
}

fn query_parameters(shape: Shape, generator: &mut SchemaGenerator) -> Vec<Value> {
    let schema = shape(generator).to_value();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let members = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        // Left out is how a query says null.
        if let Some(kinds) = schema["type"].as_array() {
            let kind = kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
            schema["type"] = kind;
        }
        let description = schema.as_object_mut().and_then(|members| members.remove("description")).unwrap_or_else(|| "".into());
        json!({ "name": name, "in": "query", "required": required.contains(&name.as_str()), "description": description, "schema": schema })
    };
    members.into_iter().map(parameter).collect()
}

fn header_parameters(endpoint: &Endpoint, doc: &Doc) -> Vec<Value> {
    let text = |name: &str, place: &str, pattern: &str, description: &str| {
        let schema = json!({ "type": "string", "pattern": pattern });
        json!({ "name": name, "in": place, "required": false, "description": description, "schema": schema })
    };
    let mut all = Vec::new();
    if endpoint.method == actix_web::http::Method::GET && !matches!(endpoint.rule, Rule::Public | Rule::Agent) {
        all.push(text("after", "query", POSITION, "A position that a change replied: the read waits until it sees it."));
    }
    if doc.repeatable {
        all.push(text(
            "Idempotency-Key",
            "header",
            "^[!-~]{1,128}$",
            "1 to 128 visible ASCII characters; a repeat within 24 hours answers as the first call did.",
        ));
    }
    if doc.conditional {
        all.push(text(
            "If-Match",
            "header",
            "^\"[0-9]{1,18}\"$",
            "The ETag that a read gave; refused with 412 when the thing has changed since.",
        ));
    }
    all
}

fn answers(endpoint: &Endpoint, doc: &Doc, generator: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    for (status, content) in &doc.answers {
        let described = match content {
            Content::Json(shape) => ("application/json", Some(shape(generator).to_value())),
            Content::Text(media_type) => (*media_type, Some(json!({ "type": "string" }))),
            Content::Nothing => ("", None),
        };
        let answer = all.entry(status.to_string()).or_insert_with(|| json!({ "description": "It is done." }));
        if let (media_type, Some(schema)) = described {
            answer["content"][media_type] = json!({ "schema": schema });
        }
    }
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let mut problems = vec!["400", "default"];
    if !matches!(endpoint.rule, Rule::Public) {
        problems.push("401");
    }
    if matches!(endpoint.rule, Rule::Org(_)) {
        problems.extend(["403", "404"]);
    }
    all.extend(problems.into_iter().map(|status| (status.to_owned(), problem.clone())));
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api;

    #[test]
    fn every_endpoint_of_the_api_is_described_once() {
        let endpoints = api::endpoints();
        let mut ids = BTreeSet::new();
        for endpoint in
            endpoints.iter().filter(|endpoint| endpoint.path.starts_with("/api/") && !matches!(endpoint.rule, Rule::Agent | Rule::Operator))
        {
            let doc = endpoint.doc.as_ref().unwrap_or_else(|| panic!("{} {} is not described", endpoint.method, endpoint.path));
            assert!(ids.insert(doc.id), "{} twice", doc.id);
            assert!(!doc.answers.is_empty(), "{} answers nothing", doc.id);
        }
    }

    #[test]
    fn the_snapshot_is_what_is_served() {
        let text = serde_json::to_string_pretty(&document(&api::endpoints())).unwrap_or_default() + "\n";
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text == stored, "the API has changed: run `make openapi`, look at the difference, commit it");
    }

    #[test]
    fn what_is_sent_and_what_is_got_agree_on_names() {
        let mut generators = Generators::new();
        for doc in api::endpoints().iter().filter_map(|endpoint| endpoint.doc.as_ref()) {
            if let Some(body) = doc.body {
                body(&mut generators.sent);
            }
            for (_, content) in &doc.answers {
                if let Content::Json(shape) = content {
                    shape(&mut generators.got);
                }
            }
        }
        let (sent, got) = (generators.sent.definitions().clone(), generators.got.definitions().clone());
        for (name, shape) in &sent {
            assert!(got.get(name).is_none_or(|other| other == shape), "{name} has two shapes");
        }
    }
}
