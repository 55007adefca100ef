#![allow(clippy::unwrap_used, reason = "a promise that is not kept fails the test")]
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::clock::SystemClock;
use crate::cloud::Settings;
use crate::cloud::conformance::{self, Change, Rig, Trouble};

struct Memory(String);

impl Memory {
    fn open(&self, installation: u64, credential: &str) -> Arc<dyn Provider> {
        let settings = Settings::new(Installation::of_log(installation), Arc::new(SystemClock)).unwrap();
        let kind = crate::cloud::kind("fake").unwrap();
        (kind.open)(&settings, Secret::new(credential.to_owned())).unwrap()
    }
}

impl Rig for Memory {
    fn ours(&self) -> Arc<dyn Provider> {
        self.open(1, &self.0)
    }
    fn theirs(&self) -> Arc<dyn Provider> {
        self.open(2, &self.0)
    }
    fn denied(&self) -> Arc<dyn Provider> {
        self.open(1, DENIED)
    }
    fn choice(&self) -> (String, String, String) {
        ("here".to_owned(), "small".to_owned(), "debian-12".to_owned())
    }
    fn machines(&self) -> usize {
        World::named(&self.0).machines()
    }
    fn ever_made(&self) -> usize {
        World::named(&self.0).ever_made()
    }
    fn plant(&self, name: &str) {
        World::named(&self.0).plant(name);
    }
    fn trouble(&self, change: Change, trouble: Trouble) {
        let ask = if change == Change::Create { Ask::Create } else { Ask::Delete };
        let mishap = if trouble == Trouble::BeforeActing { Mishap::BeforeActing } else { Mishap::AfterActing };
        World::named(&self.0).mishap(ask, mishap);
    }
    fn fail_later(&self) {
        let fault = Fault::new(TITLE, FaultKind::NoCapacity, Happened::Unknown, "sold_out", "no machine is free");
        World::named(&self.0).fail_later(fault);
    }
    fn hold(&self) {
        World::named(&self.0).hold();
    }
    fn release(&self) {
        World::named(&self.0).release();
    }
}

#[tokio::test]
async fn the_fake_keeps_what_every_provider_keeps() {
    let numbers = AtomicU64::new(0);
    conformance::check(|| Memory(format!("conformance-{}", numbers.fetch_add(1, Ordering::Relaxed)))).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_comes_after_the_effect_and_can_be_given_up() {
    let rig = Memory("late".to_owned());
    let (provider, world) = (rig.ours(), World::named("late"));
    let order = conformance::order(&rig, 5, 1);
    drop(provider.create(&order));
    assert_eq!(world.ever_made(), 0, "nothing is done before it is waited for");
    world.mishap(Ask::Create, Mishap::Late(Duration::from_secs(60)));
    let given_up = tokio::time::timeout(Duration::from_secs(30), provider.create(&order)).await;
    assert!(given_up.is_err());
    assert!(provider.create(&order).await.unwrap().found);
    assert_eq!((world.ever_made(), world.started().len()), (1, 1));
    assert!(world.started()[0].1.expose().contains("spe_conformance"));
}
