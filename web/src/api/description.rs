//! The API's description: as a document for programs, as a page for people. Both are made once.

use std::sync::LazyLock;

use actix_web::HttpResponse;

use crate::{api, openapi};

/// The page has one style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static DOCUMENT: LazyLock<serde_json::Value> = LazyLock::new(|| openapi::document(&api::endpoints()));
static TEXT: LazyLock<String> = LazyLock::new(|| serde_json::to_string_pretty(&*DOCUMENT).unwrap_or_default() + "\n");
static PAGE: LazyLock<String> = LazyLock::new(|| openapi::page::html(&DOCUMENT));

/// The document as text, ending with a line break.
#[must_use]
pub fn text() -> &'static str {
    &TEXT
}

/// `GET /api/openapi.json`
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(TEXT.as_str())
}

/// `GET /api/docs`
pub async fn page() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").insert_header(("Content-Security-Policy", POLICY)).body(PAGE.as_str())
}

/// `GET /api/docs.css`
pub async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../../pages/docs.css"))
}
