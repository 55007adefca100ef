//! What every provider must keep, and the fake as well. One suite; each calls [`check`] with a rig that has power over the cloud
//! behind it. Nothing here waits: a rig's cloud carries out what it was asked for at once, or when it is released.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a promise that is not kept fails the test")]

use std::sync::Arc;

use spunto_core::id::{NodeId, OrgId};
use spunto_core::secret::Secret;

use super::fault::{FaultKind, Happened};
use super::user_data::Boot;
use super::{Architecture, Begun, Deletion, Order, Progress, Provider, ResourceKind, ownership};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection breaks before the cloud has done anything.
    BeforeActing,
    /// The cloud does it, and the answer is lost.
    AfterActing,
}

/// Calls that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A creation.
    Create,
    /// A deletion.
    Delete,
}

/// Power over a cloud with nothing in it.
pub trait Rig {
    /// Our account, as one installation.
    fn ours(&self) -> Arc<dyn Provider>;
    /// The same account, as another installation.
    fn theirs(&self) -> Arc<dyn Provider>;
    /// The same account with a credential that is wrong.
    fn denied(&self) -> Arc<dyn Provider>;
    /// Location, machine type and image of an order that can be carried out.
    fn choice(&self) -> (String, String, String);
    /// How many machines there are, whoever made them.
    fn machines(&self) -> usize;
    /// How many were ever made.
    fn ever_made(&self) -> usize;
    /// A machine with this name that nobody labelled.
    fn plant(&self, name: &str);
    /// The next such call goes wrong.
    fn trouble(&self, change: Change, trouble: Trouble);
    /// The next machine's creation fails after it was accepted.
    fn fail_later(&self);
    /// Operations that are begun go on until they are released.
    fn hold(&self);
    /// They end.
    fn release(&self);
}

/// The suite. `rig` makes a new cloud each time.
pub async fn check<R: Rig>(rig: impl Fn() -> R) {
    options_can_be_ordered(&rig()).await;
    a_wrong_credential_is_denied(&rig()).await;
    a_machine_is_made_followed_and_found(&rig()).await;
    the_same_order_never_makes_a_second(&rig()).await;
    what_broke_before_the_effect_is_made_once(&rig()).await;
    what_broke_after_the_effect_is_made_once(&rig()).await;
    another_s_machine_is_left_alone(&rig()).await;
    deletion_is_repeatable_and_complete(&rig()).await;
    a_failed_operation_says_why_and_the_next_attempt_works(&rig()).await;
    lists_are_whole(&rig()).await;
}

/// An order for a node, as the suite makes it.
pub fn order(rig: &impl Rig, node: u64, attempt: u32) -> Order {
    let (location, machine_type, image) = rig.choice();
    Order {
        node: NodeId::from_u64(node),
        org: OrgId::from_u64(1),
        attempt,
        location,
        machine_type,
        image,
        boot: Boot {
            api_url: "https://spunto.example".to_owned(),
            agent_image: "spunto-agent:1".to_owned(),
            enrolment_token: Secret::new("spe_conformance".to_owned()),
        },
    }
}

async fn done(provider: &dyn Provider, begun: &Begun) -> Progress {
    match &begun.operation {
        Some(operation) => provider.progress(operation).await.unwrap(),
        None => Progress::Done,
    }
}

/// Deletes what there is of a node, as its owner does: until nothing is found.
pub async fn clear(provider: &dyn Provider, node: NodeId) {
    for _ in 0..10 {
        let found = provider.find(node).await.unwrap();
        if found.is_empty() {
            return;
        }
        for resource in &found {
            provider.delete(resource).await.unwrap();
        }
    }
    unreachable!("something of {node} stays");
}

async fn options_can_be_ordered(rig: &impl Rig) {
    let provider = rig.ours();
    provider.verify().await.unwrap();
    assert_eq!(rig.ever_made(), 0, "verifying makes nothing");
    let (location, machine_type, image) = rig.choice();
    assert!(provider.locations().await.unwrap().iter().any(|found| found.id == location));
    let types = provider.machine_types(&location).await.unwrap();
    let chosen = types.iter().find(|found| found.id == machine_type).unwrap();
    assert!(chosen.cpus > 0 && chosen.memory_mib > 0);
    let images = provider.images(chosen.architecture.unwrap_or(Architecture::X86)).await.unwrap();
    assert!(images.iter().any(|found| found.id == image), "{images:?}");
}

async fn a_wrong_credential_is_denied(rig: &impl Rig) {
    let provider = rig.denied();
    let verified = provider.verify().await.unwrap_err();
    let created = provider.create(&order(rig, 1, 1)).await.unwrap_err();
    for fault in [verified, created] {
        assert_eq!((&fault.kind, fault.happened), (&FaultKind::CredentialDenied, Happened::No), "{fault}");
        assert!(!fault.message.is_empty() && !fault.next_step.is_empty());
    }
    assert_eq!(rig.ever_made(), 0);
}

async fn a_machine_is_made_followed_and_found(rig: &impl Rig) {
    let provider = rig.ours();
    rig.hold();
    let order = order(rig, 5, 1);
    let begun = provider.create(&order).await.unwrap();
    assert!(!begun.found);
    assert_eq!(done(&*provider, &begun).await, Progress::Running);
    rig.release();
    assert_eq!(done(&*provider, &begun).await, Progress::Done);
    assert_eq!(done(&*provider, &begun).await, Progress::Done, "an operation may be looked at again");
    let found = provider.find(order.node).await.unwrap();
    assert_eq!(found.len(), 1);
    let machine = &found[0];
    assert_eq!(machine.reference, begun.machine.reference);
    assert_eq!((machine.node, machine.org, machine.attempt), (Some(order.node), Some(order.org), Some(1)));
    assert_eq!((&machine.name, &machine.location), (&ownership::machine_name(order.node), &order.location));
    assert!(machine.kind == ResourceKind::Machine && machine.address.is_some());
    assert_eq!(provider.list().await.unwrap(), found);
    assert!(provider.find(NodeId::from_u64(6)).await.unwrap().is_empty());
    assert!(rig.theirs().list().await.unwrap().is_empty(), "another installation does not see it");
    assert!(rig.theirs().find(order.node).await.unwrap().is_empty());
}

async fn the_same_order_never_makes_a_second(rig: &impl Rig) {
    let provider = rig.ours();
    let order = order(rig, 5, 1);
    let (first, second) = futures_util::future::join(provider.create(&order), provider.create(&order)).await;
    // At once, one of them may be told to come again.
    let begun = first.or(second).unwrap();
    let again = provider.create(&order).await.unwrap();
    assert!(again.found);
    assert_eq!(again.machine.reference, begun.machine.reference);
    assert_eq!(done(&*provider, &again).await, Progress::Done);
    assert_eq!((rig.machines(), rig.ever_made()), (1, 1));
    let later = provider.create(&super::Order { attempt: 2, ..order }).await.unwrap_err();
    assert_eq!((&later.kind, later.happened), (&FaultKind::NameTaken, Happened::No), "{later}");
    assert_eq!(rig.ever_made(), 1);
}

async fn what_broke_before_the_effect_is_made_once(rig: &impl Rig) {
    let provider = rig.ours();
    rig.trouble(Change::Create, Trouble::BeforeActing);
    let order = order(rig, 5, 1);
    let fault = provider.create(&order).await.unwrap_err();
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::Unavailable, Happened::Unknown), "{fault}");
    assert_eq!(rig.machines(), 0);
    assert!(!provider.create(&order).await.unwrap().found);
    assert_eq!(rig.ever_made(), 1);
}

async fn what_broke_after_the_effect_is_made_once(rig: &impl Rig) {
    let provider = rig.ours();
    rig.trouble(Change::Create, Trouble::AfterActing);
    let order = order(rig, 5, 1);
    let fault = provider.create(&order).await.unwrap_err();
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::Unavailable, Happened::Unknown), "{fault}");
    assert_eq!(rig.machines(), 1);
    let begun = provider.create(&order).await.unwrap();
    assert_eq!(done(&*provider, &begun).await, Progress::Done);
    assert_eq!(provider.find(order.node).await.unwrap().len(), 1);
    assert_eq!((rig.machines(), rig.ever_made()), (1, 1));
}

async fn another_s_machine_is_left_alone(rig: &impl Rig) {
    let provider = rig.ours();
    let order = order(rig, 5, 1);
    rig.plant(&ownership::machine_name(order.node));
    let fault = provider.create(&order).await.unwrap_err();
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::NameTaken, Happened::No), "{fault}");
    assert!(provider.find(order.node).await.unwrap().is_empty());
    assert!(provider.list().await.unwrap().is_empty());
    // Ours as seen by the other installation: known by reference only, and refused.
    let own = Order { node: NodeId::from_u64(7), ..order };
    let machine = provider.create(&own).await.unwrap().machine;
    assert!(rig.theirs().delete(&machine).await.is_err());
    assert_eq!(rig.machines(), 2);
}

async fn deletion_is_repeatable_and_complete(rig: &impl Rig) {
    let provider = rig.ours();
    let order = order(rig, 5, 1);
    let machine = provider.create(&order).await.unwrap().machine;
    rig.trouble(Change::Delete, Trouble::BeforeActing);
    assert_eq!(provider.delete(&machine).await.unwrap_err().happened, Happened::Unknown);
    assert_eq!(rig.machines(), 1);
    rig.hold();
    let Deletion::Going { operation } = provider.delete(&machine).await.unwrap() else { unreachable!("it was there") };
    assert_eq!(provider.find(order.node).await.unwrap().len(), 1, "what is going is still shown");
    assert!(matches!(provider.delete(&machine).await.unwrap(), Deletion::Going { .. }));
    rig.release();
    assert_eq!(provider.progress(&operation.unwrap()).await.unwrap(), Progress::Done);
    assert!(provider.find(order.node).await.unwrap().is_empty());
    assert_eq!(provider.delete(&machine).await.unwrap(), Deletion::Gone);
    let again = Order { attempt: 2, ..order };
    let machine = provider.create(&again).await.unwrap().machine;
    rig.trouble(Change::Delete, Trouble::AfterActing);
    assert_eq!(provider.delete(&machine).await.unwrap_err().happened, Happened::Unknown);
    clear(&*provider, again.node).await;
    assert_eq!((rig.machines(), rig.ever_made()), (0, 2));
}

async fn a_failed_operation_says_why_and_the_next_attempt_works(rig: &impl Rig) {
    let provider = rig.ours();
    rig.fail_later();
    let order = order(rig, 5, 1);
    let begun = provider.create(&order).await.unwrap();
    let Progress::Failed(fault) = done(&*provider, &begun).await else { unreachable!("it was to fail") };
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::NoCapacity, Happened::Unknown), "{fault}");
    assert!(!fault.code.is_empty() && !fault.message.is_empty());
    clear(&*provider, order.node).await;
    let next = Order { attempt: 2, ..order };
    let begun = provider.create(&next).await.unwrap();
    assert!(!begun.found);
    assert_eq!(done(&*provider, &begun).await, Progress::Done);
    assert_eq!((rig.machines(), provider.find(next.node).await.unwrap().len()), (1, 1));
}

async fn lists_are_whole(rig: &impl Rig) {
    /// More than a page of any provider.
    const MANY: u64 = 120;
    let provider = rig.ours();
    for node in 1..=MANY {
        provider.create(&order(rig, node, 1)).await.unwrap();
    }
    rig.theirs().create(&order(rig, MANY + 1, 1)).await.unwrap();
    let listed = provider.list().await.unwrap();
    let mut nodes: Vec<u64> = listed.iter().filter_map(|found| found.node).map(NodeId::as_u64).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, (1..=MANY).collect::<Vec<_>>());
    assert_eq!(rig.machines() as u64, MANY + 1);
}
