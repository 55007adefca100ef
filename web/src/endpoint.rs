//! Endpoints: method, path, rule and handler together, so that no route exists without an authorisation rule.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, FromRequest, Handler, HttpMessage, Responder, Route};
use spunto_core::access::Permission;
use tracing::Instrument;

use crate::app::App;
use crate::openapi::doc::Doc;
use crate::problem::Problem;
use crate::{ask, auth};

/// Who may use an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anybody: what it does is proven by what is sent, or harmless.
    Public,
    /// Whoever is signed in, by browser or key.
    SignedIn,
    /// A person in a browser: keys can't do this.
    Person,
    /// Whoever has this permission in the organisation of the path; to others the organisation does not exist.
    Org(Permission),
    /// The operator, at the server's own command line: proven by the master key.
    Operator,
    /// An agent; the handler checks its token itself, as refusing one is an event.
    Agent,
}

/// One route with its rule.
pub struct Endpoint {
    /// Method.
    pub method: Method,
    /// Path pattern.
    pub path: &'static str,
    /// Who may use it.
    pub rule: Rule,
    /// What the API's description says of it; none for what is not part of the API.
    pub doc: Option<Doc>,
    route: Route,
}

impl Endpoint {
    /// An endpoint.
    pub fn new<F, Args>(method: Method, path: &'static str, rule: Rule, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        let route = route.wrap(from_fn(move |request, next| guard(rule, request, next)));
        Self { method, path, rule, doc: None, route }
    }

    /// The same with its description.
    #[must_use]
    pub fn doc(mut self, doc: Doc) -> Self {
        self.doc = Some(doc);
        self
    }
}

/// Registers endpoints; those of one path share a resource, so that another method there gets 405.
pub fn register(endpoints: Vec<Endpoint>, config: &mut ServiceConfig) {
    let mut resources: Vec<(&'static str, actix_web::Resource)> = Vec::new();
    for endpoint in endpoints {
        let known = resources.iter().position(|(path, _)| *path == endpoint.path);
        let (path, resource) = known.map_or_else(|| (endpoint.path, web::resource(endpoint.path)), |place| resources.remove(place));
        resources.push((path, resource.route(endpoint.route)));
    }
    for (_, resource) in resources {
        config.service(resource.default_service(web::to(method_not_allowed)));
    }
}

async fn method_not_allowed() -> Result<actix_web::HttpResponse, Problem> {
    let status = actix_web::http::StatusCode::METHOD_NOT_ALLOWED;
    Err(Problem::new(status, "method_not_allowed", "this path does not take this method; see the API's documentation"))
}

/// Lets a request through when the rule allows it, with what is known of who asks.
async fn guard<B: MessageBody + 'static>(rule: Rule, request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<Data<App>>().cloned().ok_or_else(|| Problem::fault(&"no application data"))?;
    let asked = auth::ask(&app, request.request(), rule)?;
    ask::wait_for(&app, request.request()).await?;
    let span = tracing::info_span!("request", id = format!("{:016x}", asked.correlation), actor = %asked.actor);
    request.extensions_mut().insert(asked);
    Ok(next.call(request).instrument(span).await?.map_into_boxed_body())
}
