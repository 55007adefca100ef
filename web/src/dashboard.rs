//! The dashboard's files, which are part of the binary. The same for everybody: whoever is not signed in sees nothing but forms.

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

use crate::problem::Problem;

include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// The pages run their own scripts and speak to their own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; \
     worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Files whose names change with what they hold.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Asked for each time, and answered with nothing where it is still the same.
const ASK_AGAIN: &str = "no-cache";
const PAGE: &str = "index.html";

/// A file, and the same in smaller.
struct File {
    path: &'static str,
    tag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

impl File {
    fn find(path: &str) -> Option<&'static Self> {
        FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|place| &FILES[place])
    }

    fn kind(&self) -> &'static str {
        match self.path.rsplit('.').next().unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "woff2" => "font/woff2",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    /// The smallest form that a client takes, and its name.
    fn body(&self, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
        let takes = |coding: &str| {
            let values = headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|offer| {
                let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
                let refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
                name.trim().eq_ignore_ascii_case(coding) && !refused
            })
        };
        match (self.brotli.filter(|_| takes("br")), self.gzip.filter(|_| takes("gzip"))) {
            (Some(brotli), _) => (brotli, Some("br")),
            (None, Some(gzip)) => (gzip, Some("gzip")),
            (None, None) => (self.plain, None),
        }
    }

    fn serve(&self, request: &HttpRequest) -> HttpResponse {
        let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let same = known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.tag));
        let (body, coding) = self.body(request.headers());
        let mut answer = HttpResponse::build(if same { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        answer.insert_header((header::ETAG, self.tag)).insert_header((header::VARY, "Accept-Encoding"));
        answer.insert_header((header::CACHE_CONTROL, if self.path.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN }));
        answer.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
        if same {
            return answer.finish();
        }
        if let Some(coding) = coding {
            answer.insert_header((header::CONTENT_ENCODING, coding));
        }
        answer.content_type(self.kind()).body(body)
    }
}

/// Any path that is no route: a file of the dashboard, or its page, which finds its own way by the path.
///
/// # Errors
/// Below `/api`, or a file that is not there.
pub async fn file_or_page(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.path().trim_start_matches('/');
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let of_the_api = path == "api" || path.starts_with("api/");
    if !reads || of_the_api {
        return Err(Problem::not_found());
    }
    if let Some(file) = File::find(path) {
        return Ok(file.serve(&request));
    }
    let names_a_file = path.starts_with(HASHED) || path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let page = File::find(PAGE).filter(|_| !names_a_file);
    page.map(|page| page.serve(&request)).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]
    use actix_web::test::TestRequest;

    use super::*;

    fn get(path: &str, headers: &[(&'static str, &str)]) -> Result<HttpResponse, StatusCode> {
        let request = headers.iter().fold(TestRequest::with_uri(path), |request, header| request.insert_header(*header));
        let answer = futures_util::FutureExt::now_or_never(file_or_page(request.to_http_request())).unwrap();
        answer.map_err(|problem| actix_web::ResponseError::status_code(&problem))
    }

    fn header<'a>(answer: &'a HttpResponse, name: &str) -> &'a str {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn any_path_is_the_page_but_files_and_the_api() {
        for path in ["/", "/setup", "/orgs/org_x/nodes/nod_y"] {
            let answer = get(path, &[]).unwrap();
            assert_eq!(
                (header(&answer, "content-type"), header(&answer, "cache-control")),
                ("text/html; charset=utf-8", ASK_AGAIN),
                "{path}"
            );
            assert!(header(&answer, "content-security-policy").contains("script-src 'self';"));
        }
        for path in ["/api", "/api/nonsense", "/assets/gone-123.js", "/favicon.ico", "/a/b.map"] {
            assert_eq!(get(path, &[]).err(), Some(StatusCode::NOT_FOUND), "{path}");
        }
        assert_eq!(get("/apiary", &[]).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn files_are_kept_for_ever_and_sent_small() {
        let script =
            FILES.iter().find(|file| file.path.starts_with(HASHED) && file.path.ends_with(".js") && file.brotli.is_some()).unwrap();
        let path = format!("/{}", script.path);
        let coding = |accept: &str| header(&get(&path, &[("Accept-Encoding", accept)]).unwrap(), "content-encoding").to_owned();
        assert_eq!(["gzip, deflate, br", "gzip", "br;q=0, gzip;q=0.5", "identity"].map(coding), ["br", "gzip", "gzip", ""]);
        let answer = get(&path, &[]).unwrap();
        assert_eq!(header(&answer, "cache-control"), FOR_EVER);
        let again = get(&path, &[("If-None-Match", header(&answer, "etag"))]).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn every_file_has_a_kind_and_nothing_is_inline() {
        for file in FILES {
            assert_ne!(file.kind(), "application/octet-stream", "{}", file.path);
        }
        let page = std::str::from_utf8(File::find(PAGE).unwrap().plain).unwrap();
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("onload="), "the policy would refuse it");
        assert!(page.split("<script").skip(1).all(|script| script.split('>').next().unwrap().contains("src=")), "{page}");
        assert!(!page.contains("//") || page.contains("<!--"), "nothing from elsewhere: {page}");
    }
}
