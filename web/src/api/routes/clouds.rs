//! Routes of clouds: providers, credentials, what they offer, and what was left over.

use actix_web::http::Method;
use spunto_core::access::Permission as P;

use crate::api::{clouds, credentials, operations};
use crate::ask::Page;
use crate::endpoint::{Endpoint, Rule};
use crate::openapi::doc::Doc;
use crate::view::cloud::*;
use crate::view::reply::*;

const WRITE: Rule = Rule::Org(P::NODES_WRITE);

pub(super) fn credentials() -> Vec<Endpoint> {
    const CREDENTIALS: &str = "/api/orgs/{org}/credentials";
    const CREDENTIAL: &str = "/api/orgs/{org}/credentials/{credential}";
    vec![
        Endpoint::new(Method::GET, CREDENTIALS, WRITE, credentials::list).doc(
            Doc::of("credentials.list", "Credentials at clouds, without their secrets.")
                .query::<Page>()
                .gives::<PageOf<CredentialView>>(200),
        ),
        Endpoint::new(Method::POST, CREDENTIALS, WRITE, credentials::create).doc(
            Doc::of("credentials.create", "Keeps a credential, once its provider accepts it; otherwise 422 with the provider's words.")
                .takes::<credentials::NewCredential>()
                .gives::<CredentialReply>(201),
        ),
        Endpoint::new(Method::PUT, "/api/orgs/{org}/credentials/{credential}/secret", WRITE, credentials::replace).doc(
            Doc::of("credentials.replace", "Gives it another secret of the same account; what waits for one goes on.")
                .takes::<credentials::NewSecret>()
                .gives::<CredentialReply>(200),
        ),
        Endpoint::new(Method::DELETE, CREDENTIAL, WRITE, credentials::delete).doc(
            Doc::of("credentials.delete", "Erases it; by force also when machines need it, which are given up and may run on.")
                .query::<operations::Force>()
                .gives::<Done>(200),
        ),
    ]
}

pub(super) fn offers() -> Vec<Endpoint> {
    const LEFTOVERS: &str = "/api/orgs/{org}/credentials/{credential}/leftovers";
    vec![
        Endpoint::new(Method::GET, "/api/providers", Rule::SignedIn, clouds::providers)
            .doc(Doc::of("providers.list", "The clouds that this server can make machines at.").gives::<ProvidersView>(200)),
        Endpoint::new(Method::GET, "/api/orgs/{org}/credentials/{credential}/locations", WRITE, clouds::locations)
            .doc(Doc::of("credentials.locations", "Where machines can be had.").gives::<OffersOf<LocationView>>(200)),
        Endpoint::new(
            Method::GET,
            "/api/orgs/{org}/credentials/{credential}/locations/{location}/machine-types",
            WRITE,
            clouds::machine_types,
        )
        .doc(
            Doc::of(
                "credentials.machine_types",
                "What machines can be had at a location, with price and availability where the cloud says so.",
            )
            .gives::<OffersOf<MachineTypeView>>(200),
        ),
        Endpoint::new(Method::GET, "/api/orgs/{org}/credentials/{credential}/images", WRITE, clouds::images).doc(
            Doc::of("credentials.images", "Systems that a machine can start with.")
                .query::<clouds::For>()
                .gives::<OffersOf<ImageView>>(200),
        ),
        Endpoint::new(Method::GET, LEFTOVERS, WRITE, clouds::leftovers).doc(
            Doc::of("credentials.leftovers", "What this installation made there and no node needs.")
                .query::<clouds::Extent>()
                .gives::<SweepView>(200),
        ),
        Endpoint::new(Method::POST, "/api/orgs/{org}/credentials/{credential}/leftovers/remove", WRITE, clouds::remove_leftover).doc(
            Doc::of("credentials.remove_leftover", "Removes something that the sweep showed and no node needs.")
                .takes::<clouds::Unneeded>()
                .gives::<Done>(200),
        ),
    ]
}
