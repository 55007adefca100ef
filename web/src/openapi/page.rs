//! The API's description as a page to read: plain HTML made from the document, without script, so that the strictest content
//! policy holds and nothing is fetched from elsewhere. (Viewers like Swagger UI weigh over a megabyte and want inline styles.)

use std::fmt::Write;

use serde_json::{Map, Value};

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn reference(target: &str) -> String {
    let name = escape(target.rsplit('/').next().unwrap_or_default());
    format!("<a href=\"#schema-{name}\">{name}</a>")
}

/// A schema on one line.
fn shape(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return reference(target);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(choices) = schema[key].as_array() {
            return choices.iter().map(shape).collect::<Vec<_>>().join(" | ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|value| format!("<code>{}</code>", escape(&value.to_string()))).collect::<Vec<_>>().join(" | ");
    }
    if !schema["const"].is_null() {
        return format!("<code>{}</code>", escape(&schema["const"].to_string()));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.as_str().unwrap_or("any").to_owned(),
    };
    match kind.as_str() {
        "array" => format!("list of {}", shape(&schema["items"])),
        "object" if !schema["additionalProperties"].is_null() => format!("map of {}", shape(&schema["additionalProperties"])),
        _ => match schema["format"].as_str().or(schema["pattern"].as_str()) {
            Some(more) => format!("{kind} <code>{}</code>", escape(more)),
            None => kind,
        },
    }
}

fn members(schema: &Value, page: &mut String) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(all) = schema["properties"].as_object() else { return };
    page.push_str(
        "<table><thead><tr><th scope=\"col\">member</th><th scope=\"col\">shape</th><th scope=\"col\">meaning</th></tr></thead><tbody>",
    );
    for (name, member) in all {
        let optional = if required.contains(&name.as_str()) { "" } else { " <small>optional</small>" };
        let meaning = text(&member["description"]);
        let _ = write!(page, "<tr><td><code>{}</code>{optional}</td><td>{}</td><td>{meaning}</td></tr>", escape(name), shape(member));
    }
    page.push_str("</tbody></table>");
}

fn who(rule: &Value) -> String {
    match rule["who"].as_str().unwrap_or_default() {
        "org" => {
            format!("role <code>{}</code> or higher; a key needs the scope <code>{}</code>", text(&rule["role"]), text(&rule["scope"]))
        }
        "person" => "a signed-in person; not a key".to_owned(),
        "signed_in" => "anybody signed in, by browser or key".to_owned(),
        _ => "anybody".to_owned(),
    }
}

fn call(path: &str, method: &str, operation: &Value, page: &mut String) {
    let id = text(&operation["operationId"]);
    let _ = write!(
        page,
        "<article id=\"{id}\"><h3><b class=\"{method}\">{}</b> <code>{}</code></h3><p>{}</p><p class=\"who\">{}</p>",
        method.to_uppercase(),
        escape(path),
        text(&operation["summary"]),
        who(&operation["x-spunto-rule"])
    );
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        page.push_str("<ul>");
        for parameter in parameters {
            let (name, place, meaning) = (text(&parameter["name"]), text(&parameter["in"]), text(&parameter["description"]));
            let _ = write!(page, "<li><code>{name}</code> <small>{place}</small> {} {meaning}</li>", shape(&parameter["schema"]));
        }
        page.push_str("</ul>");
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = write!(page, "<p>Takes {}</p>", shape(body));
    }
    for (status, answer) in operation["responses"].as_object().unwrap_or(&Map::new()) {
        for (kind, content) in answer["content"].as_object().unwrap_or(&Map::new()) {
            let _ = write!(page, "<p>{status}: {} <small>{}</small></p>", shape(&content["schema"]), escape(kind));
        }
    }
    page.push_str("</article>");
}

/// The page.
#[must_use]
pub fn html(document: &Value) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Spunto API</title><link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body><nav><h1>Spunto API</h1>",
    );
    let empty = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let calls: Vec<(&str, &str, &Value)> = paths
        .iter()
        .flat_map(|(path, calls)| calls.as_object().into_iter().flatten().map(|(method, call)| (path.as_str(), method.as_str(), call)))
        .collect();
    let groups: Vec<&str> = document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    for group in &groups {
        let _ = write!(page, "<h2>{group}</h2><ul>");
        for (.., operation) in calls.iter().filter(|(.., operation)| operation["tags"][0] == *group) {
            let id = text(&operation["operationId"]);
            let _ = write!(page, "<li><a href=\"#{id}\">{id}</a></li>");
        }
        page.push_str("</ul>");
    }
    let _ = write!(page, "</nav><main><p>{} <a href=\"/api/openapi.json\">openapi.json</a></p>", text(&document["info"]["description"]));
    for group in &groups {
        let _ = write!(page, "<section><h2>{group}</h2>");
        for (path, method, operation) in calls.iter().filter(|(.., operation)| operation["tags"][0] == *group) {
            call(path, method, operation, &mut page);
        }
        page.push_str("</section>");
    }
    page.push_str("<section><h2>Shapes</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap_or(&empty) {
        let _ = write!(page, "<article id=\"schema-{0}\"><h3>{0}</h3><p>{1}</p>", escape(name), text(&schema["description"]));
        if schema["properties"].is_object() {
            members(schema, &mut page);
        } else {
            let _ = write!(page, "<p>{}</p>", shape(schema));
        }
        page.push_str("</article>");
    }
    page.push_str("</section></main></body></html>\n");
    page
}
