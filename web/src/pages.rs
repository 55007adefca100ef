//! One small page until the dashboard is here: first owner, invitation, sign in, nodes and workers. Part of the binary.

use actix_web::HttpResponse;

/// The page runs its own script and speaks to its own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header(("Content-Security-Policy", POLICY)).body(text)
}

/// `GET /`, `/setup`, `/invitation`: what is in the address after `#` never reaches the server.
pub async fn page() -> HttpResponse {
    file("text/html; charset=utf-8", include_str!("../pages/page.html"))
}

/// `GET /page.js`
pub async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", include_str!("../pages/page.js"))
}

/// `GET /page.css`
pub async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", include_str!("../pages/page.css"))
}
