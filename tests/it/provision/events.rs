//! The server ends itself around each event of the saga: before the event is appended, and after it is durable and before anybody
//! hears of it; from the wish to the end of the removal, and from a failure to another attempt. Whose event it is does not matter:
//! the journal's thread is where it happens.

use spunto_tests::cloud::Answer as Reply;

use super::site::{BOTH, Site, Which, each_at_once};
use super::*;

/// Before, and after.
const SIDES: [&str; 2] = ["append", "durable"];

/// Events from the wish to online, a person's first.
const CREATION: [&str; 9] = [
    "node.created",
    "node.provision_requested",
    "node.credential_verified",
    "node.machine_intended",
    "node.machine_ordered",
    "node.machine_created",
    "node.progress_reported",
    "node.enrolled",
    "node.online",
];

/// Those that the machine's calls make.
const OF_THE_MACHINE: [&str; 3] = ["node.progress_reported", "node.enrolled", "node.online"];

/// How often one may stand in the history of a node that came right. An agent has a session again after each kill; a machine tells a
/// stage once, heard or not, and goes on.
fn may_stand(kind: &str, times: usize) -> bool {
    match kind {
        "node.progress_reported" => true,
        "node.online" => times >= 1,
        _ => times == 1,
    }
}

/// Events from the deletion to the end, a person's first.
const REMOVAL: [&str; 4] = ["node.deletion_started", "node.machine_removal_intended", "node.machine_removed", "node.deleted"];

/// Events of an attempt that fails after its order was taken.
const FAILURE: [&str; 3] = ["node.provisioning_failed", "node.machine_removal_intended", "node.machine_removed"];

/// Events of another attempt, a person's.
const RETRY: [&str; 2] = ["node.token_rotated", "node.provision_requested"];

/// Asks for a node, twice if the first answer is lost, and waits until the server has died of it and the node is online. Its machine
/// keeps quiet until all is told of it: an agent may be faster than that.
fn create_at(site: &mut Site, failpoint: &str, by_the_machine: bool) -> String {
    let wish = site.wish();
    site.gate.close();
    let first = site.ask(&wish);
    if !by_the_machine {
        site.wait_dead(failpoint);
    }
    site.wait("a machine", || Ok(site.awaits_handshake(&wish).then_some(())));
    site.gate.open();
    if by_the_machine {
        site.wait_dead(failpoint);
    }
    let node = site.ask(&wish).unwrap();
    assert!(first.is_err() || first.unwrap() == node, "{failpoint}: one wish, one node");
    site.wait_online(&node);
    node
}

/// How often an event stands in a node's history.
fn times(site: &Site, node: &str, kind: &str) -> usize {
    site.world.timeline(node).unwrap().iter().filter(|each| *each == kind).count()
}

fn around_creation(site: &mut Site, side: &str) {
    for kind in CREATION {
        let failpoint = format!("{side}/{kind}:1");
        let (_, _, made) = site.counts();
        site.arm(&failpoint);
        let node = create_at(site, &failpoint, OF_THE_MACHINE.contains(&kind));
        assert_eq!(site.counts(), (1, 0, made + 1), "{failpoint}");
        assert!(may_stand(kind, times(site, &node, kind)), "{failpoint}: {:?}", site.world.timeline(&node));
        site.delete(&node);
        site.wait_gone(&node);
        assert_eq!(site.counts(), (0, 0, made + 1), "{failpoint}");
    }
}

fn around_removal(site: &mut Site, side: &str) {
    for kind in REMOVAL {
        let failpoint = format!("{side}/{kind}:1");
        let (_, _, made) = site.counts();
        let node = site.create();
        site.wait_online(&node);
        site.arm(&failpoint);
        // Whoever gets no answer asks again; whoever got one is not asked to.
        let told = site.world.api.delete(&site.of_node(&node)).is_ok();
        site.wait_dead(&failpoint);
        site.delete_again(&node, told);
        site.wait_gone(&node);
        assert_eq!(site.counts(), (0, 0, made + 1), "{failpoint}");
    }
}

/// An attempt that fails, is killed around `failed_at`, is told and cleaned up; then another, killed around `retried_at`, comes right.
fn around_failure(site: &mut Site, side: &str) {
    for number in 0..FAILURE.len().max(RETRY.len()) {
        let failed_at = format!("{side}/{}:1", FAILURE[number % FAILURE.len()]);
        let retried_at = format!("{side}/{}:1", RETRY[number % RETRY.len()]);
        let (_, _, made) = site.counts();
        site.cloud().fail_later();
        site.arm(&failed_at);
        let node = site.create();
        site.wait_dead(&failed_at);
        site.wait(&failed_at, || {
            let seen = site.world.node(&node)?;
            anyhow::ensure!(seen["status"]["state"] == "provisioning_failed", "{} {}", seen["status"], seen["provision"]);
            anyhow::ensure!(times(site, &node, "node.machine_removed") == 1, "{:?}", site.world.timeline(&node));
            Ok(Some(()))
        });
        assert_eq!(times(site, &node, "node.provisioning_failed"), 1, "{failed_at}");
        assert_eq!(site.counts().0, 0, "{failed_at}");
        site.arm(&retried_at);
        let retry = |site: &Site| site.world.api.post(&format!("{}/retry", site.of_node(&node)), &json!({}));
        let first = retry(site);
        site.wait_dead(&retried_at);
        if first.is_err() {
            // It may have been taken: then it is under way, and another is refused.
            let again = retry(site).unwrap();
            assert!(again.status < 300 || again.status == 409, "{retried_at}: {again:?}");
        }
        site.wait_online(&node);
        assert_eq!(times(site, &node, "node.provision_requested"), 2, "{retried_at}");
        assert_eq!((site.counts().0, site.counts().2), (1, made + 2), "{failed_at}, {retried_at}");
        site.delete(&node);
        site.wait_gone(&node);
        assert_eq!(site.counts().0, 0, "{failed_at}, {retried_at}");
    }
}

/// A removal that the provider does not take is given up by a person: the machine stays, is listed as left over, and goes by their word.
fn around_giving_up(site: &mut Site, side: &str) {
    let failpoint = format!("{side}/node.machine_abandoned:1");
    let (_, _, made) = site.counts();
    let node = site.create();
    site.wait_online(&node);
    site.arm(&failpoint);
    site.plan.never("DELETE", "/", Reply::Close);
    site.delete(&node);
    site.wait("trouble", || Ok(site.world.node(&node)?["provision"]["trouble"].is_object().then_some(())));
    let force = |site: &Site| site.world.api.delete(&format!("{}?force=true", site.of_node(&node)));
    let first = force(site);
    site.wait_dead(&failpoint);
    if first.is_err() {
        let again = force(site).unwrap();
        assert!(again.status < 300 || again.status == 404, "{failpoint}: {again:?}");
    }
    site.wait_gone(&node);
    assert_eq!(site.counts(), (1, 0, made + 1), "{failpoint}");
    let events = site.world.api.get(&site.world.of_org("/events?limit=1000&order=newest")).unwrap().ok().unwrap();
    let given_up = |event: &&Value| event["stream"] == json!(node) && event["kind"] == "node.machine_abandoned";
    assert_eq!(events["items"].as_array().unwrap().iter().filter(given_up).count(), 1, "{failpoint}");
    site.plan.clear();
    let left = site.leftovers();
    assert_eq!((left.len(), &left[0]["node"]), (1, &json!(node)), "{failpoint}: {left:?}");
    site.remove_leftover(&left[0]);
    site.wait("the leftover to go", || Ok((site.counts() == (0, 0, made + 1)).then_some(())));
}

type Story = (&'static str, fn(&mut Site, &str));

#[test]
fn killed_around_every_event() {
    let stories: [Story; 4] =
        [("creation", around_creation), ("removal", around_removal), ("failure", around_failure), ("giving up", around_giving_up)];
    let all: Vec<(Which, &str)> = BOTH.iter().flat_map(|which| SIDES.map(|side| (*which, side))).collect();
    each_at_once(&all, |(which, side)| {
        let mut site = Site::new(which);
        for (what, story) in stories {
            let began = std::time::Instant::now();
            story(&mut site, side);
            println!("{which:?}, {side}: {what} in {:?}", began.elapsed());
        }
        site.verify();
    });
}
