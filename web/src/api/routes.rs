//! The table of endpoints: method, path, rule, handler, and what the API's description says of it.

use crate::endpoint::Endpoint;

mod accounts;
mod clouds;
mod edges;
mod fleet;
mod work;

/// Every endpoint.
#[must_use]
pub fn all() -> Vec<Endpoint> {
    [
        accounts::sign_in(),
        accounts::orgs(),
        accounts::access(),
        fleet::nodes(),
        fleet::operations(),
        fleet::events(),
        clouds::credentials(),
        clouds::offers(),
        work::workers(),
        work::deployments(),
        edges::edges(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
