//! Looks at the world for the operator of a restored log: what agents' engines hold, and what clouds list. Changes nothing.

use std::collections::BTreeSet;

use spunto_core::difference::{Choices, CloudDifference, Difference, World, difference};
use spunto_core::id::{CredentialId, OrgId};

use crate::board::Board;
use crate::cloud::fault::Fault;
use crate::directory::Directory;
use crate::provisioner::accounts::{AccountError, Accounts};
use crate::provisioner::sweep;

/// Compares a restored log with the world, asking every cloud; none when no log waits to be confirmed.
pub async fn look(directory: &Directory, board: &Board, accounts: &Accounts, choices: Choices) -> Option<Difference> {
    let credentials: Vec<(OrgId, CredentialId, String)> = directory.read(|state| {
        let all = state.orgs.iter().flat_map(|(org, known)| known.credentials.iter().map(|(id, known)| (*org, *id, known.name.clone())));
        if state.is_observing() { all.collect() } else { Vec::new() }
    });
    let mut world = World::default();
    for (org, credential, name) in credentials {
        world.clouds.push(of_cloud(directory, accounts, org, credential, name).await);
    }
    directory.read(|state| {
        for (node, _) in state.orgs.values().flat_map(|org| org.fleet.nodes()) {
            board.glance(node, |live| {
                world.connected.extend(live.session.as_ref().map(|_| node));
                world.inventories.extend(live.found.clone().map(|found| (node, found)));
            });
        }
        difference(state, world, choices)
    })
}

async fn of_cloud(directory: &Directory, accounts: &Accounts, org: OrgId, credential: CredentialId, name: String) -> CloudDifference {
    let findings = match sweep::report(accounts, directory, org, credential).await {
        Ok(findings) => findings,
        Err(error) => {
            // Without the number of the request: the difference must be the same when nothing but that has changed.
            let trouble = match error {
                AccountError::Fault(fault) => Fault { request_id: None, ..fault }.to_string(),
                other => other.to_string(),
            };
            return CloudDifference { credential: name, trouble: Some(trouble), ..CloudDifference::default() };
        }
    };
    let listed: BTreeSet<_> = findings.iter().filter_map(|(resource, _)| resource.node).collect();
    let missing = directory.read(|state| {
        let known = state.orgs.get(&org);
        let nodes = known.into_iter().flat_map(|known| known.nodes_needing(credential));
        nodes.filter(|(node, known)| known.machine.is_some() && !listed.contains(node)).map(|(_, known)| known.name.clone()).collect()
    });
    let mut unknown: Vec<String> =
        findings.into_iter().filter(|(_, standing)| !standing.is_known()).map(|(resource, _)| resource.name).collect();
    unknown.sort();
    CloudDifference { credential: name, trouble: None, unknown, missing }
}
