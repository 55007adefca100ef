//! The API tried by schemathesis, a property-based tester that makes requests from the API's description, as each role.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use spunto_tests::paths::python;
use spunto_tests::world::World;

/// Requests for each endpoint and role; the endpoints are many.
const EXAMPLES: &str = "8";
/// Fixed, so that a failure can be had again.
const SEED: &str = "20261124";

/// The description with ids of things that exist, so that requests reach further than "there is no such thing".
fn filled(mut document: Value, ids: &[(&str, &str)]) -> Value {
    for call in document["paths"].as_object_mut().unwrap().values_mut().flat_map(|calls| calls.as_object_mut().unwrap().values_mut()) {
        for parameter in call["parameters"].as_array_mut().unwrap().iter_mut().filter(|parameter| parameter["in"] == "path") {
            if let Some((_, id)) = ids.iter().find(|(name, _)| parameter["name"] == *name) {
                parameter["schema"] = json!({ "type": "string", "enum": [id] });
            }
        }
    }
    document
}

/// The one check: no server error, no answer that the description does not know.
fn check(document: &Path, url: &str, role: &str, header: Option<String>) {
    let mut command = Command::new(python("schemathesis"));
    command.current_dir(document.parent().unwrap());
    command.arg("run").arg(document).args([
        "--url",
        url,
        "--max-examples",
        EXAMPLES,
        "--seed",
        SEED,
        "--phases",
        "examples,coverage,fuzzing",
    ]);
    command.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"]);
    // What ends the session that asks, or the members that the other roles ask as.
    for id in ["session.end", "session.password", "members.remove", "members.change_role", "keys.revoke"] {
        command.args(["--exclude-operation-id", id]);
    }
    command.args(["--no-color", "--request-timeout", "10", "--no-shrink", "--header", "X-Spunto-Csrf: 1"]);
    if let Some(header) = header {
        command.args(["--header", &header]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let summary: Vec<&str> = text.lines().filter(|line| line.contains("test cases") || line.contains(" generated")).collect();
    println!("{role}: {}", summary.join(" "));
    assert!(output.status.success(), "as {role}:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_description_is_valid_and_no_request_made_from_it_breaks_the_server() {
    let world = World::local().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("openapi.json");
    let document = world.api.get("/api/openapi.json").unwrap().ok().unwrap();
    std::fs::write(&path, document.to_string()).unwrap();
    let valid = Command::new(python("openapi-spec-validator")).arg(&path).output().unwrap();
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stdout));

    let node = world.create_node("n1").unwrap()["node"]["id"].as_str().unwrap().to_owned();
    let ids = [("org", world.org.as_str()), ("project", world.project.as_str()), ("node", node.as_str())];
    std::fs::write(&path, filled(document, &ids).to_string()).unwrap();
    let key = |scopes: &[&str]| {
        let body = json!({ "name": format!("k{}", scopes.len()), "scopes": scopes, "owner": "org" });
        let created = world.api.post(&world.of_org("/keys"), &body).unwrap().ok().unwrap();
        format!("Authorization: Bearer {}", created["secret"].as_str().unwrap())
    };
    check(&path, &world.api.url, "nobody", None);
    check(&path, &world.api.url, "a key with every scope", Some(key(&["*"])));
    check(&path, &world.api.url, "a key that reads", Some(key(&["nodes:read", "workers:read", "projects:read", "events:read"])));
    check(&path, &world.api.url, "the owner", Some(format!("Cookie: {}", world.api.cookie().unwrap())));
    let log = std::fs::read_to_string(&world.start.log).unwrap();
    assert!(!log.contains("panicked") && !log.contains("a request failed"), "{log}");
}
