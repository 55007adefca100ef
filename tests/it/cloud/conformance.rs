//! What every provider must keep, through our clients over real sockets.

use std::sync::Arc;

use parking_lot::Mutex;
use spunto_actors::cloud::conformance::{Rig, check, clear, order};
use spunto_actors::cloud::{Architecture, Availability, Happened, Order, Provider, ResourceKind, ownership};
use spunto_core::id::NodeId;
use spunto_tests::cloud::google::Google;
use spunto_tests::cloud::hetzner::Hetzner;
use spunto_tests::cloud::{Cloud, Happening, Running};

use super::rig::{AtGoogle, AtHetzner, Place};

#[tokio::test]
async fn hetzner_keeps_it() {
    check(AtHetzner::new).await;
}

#[tokio::test]
async fn google_keeps_it() {
    check(AtGoogle::new).await;
}

#[tokio::test]
async fn hetzner_s_options_have_prices_and_say_what_is_sold_out() {
    let place = AtHetzner::new();
    place.0.cloud.sell_out("cpx11", "fsn1");
    let provider = place.ours();
    let titles: Vec<String> = provider.locations().await.unwrap().into_iter().map(|location| location.title).collect();
    assert_eq!(titles, ["Falkenstein, DE", "Nuremberg, DE", "Helsinki, FI", "Hillsboro, OR, US"]);
    let types = provider.machine_types("fsn1").await.unwrap();
    let sold: Vec<(&str, Availability)> = types.iter().map(|found| (found.id.as_str(), found.availability)).collect();
    assert_eq!(
        sold,
        [
            ("cx23", Availability::Available),
            ("cpx11", Availability::SoldOut),
            ("cax11", Availability::Available),
            ("ccx13", Availability::Available)
        ]
    );
    let price = types[0].price.as_ref().unwrap();
    assert_eq!((price.currency.as_str(), price.hourly.as_str(), price.monthly.as_str()), ("EUR", "0.005619", "4.1531"));
    assert_eq!((types[0].cpus, types[0].memory_mib, types[0].disk_gb), (2, 4_096, Some(40)));
    assert_eq!(types[2].architecture, Some(Architecture::Arm));
    assert_eq!(provider.machine_types("hil").await.unwrap().len(), 2);
    let images: Vec<String> = provider.images(Architecture::X86).await.unwrap().into_iter().map(|image| image.id).collect();
    assert_eq!(images, ["debian-12", "ubuntu-24.04"], "what is deprecated or unknown to the start script is not offered");
}

#[tokio::test]
async fn google_s_options_leave_out_what_is_down_or_going() {
    let provider = AtGoogle::new().ours();
    assert!(provider.locations().await.is_err(), "its fake is gone");
    let place = AtGoogle::new();
    let provider = place.ours();
    let zones: Vec<String> = provider.locations().await.unwrap().into_iter().map(|location| location.id).collect();
    assert_eq!(zones, ["europe-west3-a", "us-central1-a", "us-central1-b"]);
    let types = provider.machine_types("us-central1-a").await.unwrap();
    assert_eq!(types.len(), 4);
    assert!(types.iter().all(|found| found.price.is_none() && found.availability == Availability::Untold));
    let images = |architecture| provider.images(architecture);
    assert_eq!(images(Architecture::X86).await.unwrap().len(), 3);
    assert_eq!(images(Architecture::Arm).await.unwrap().len(), 1);
    assert_eq!(place.0.cloud.tokens_given(), 1, "a token is kept for as long as it is good");
}

#[tokio::test]
async fn a_retry_elsewhere_makes_no_second_machine_beside_the_first() {
    let place = AtGoogle::new();
    let provider = place.ours();
    let first = order(&place, 5, 1);
    provider.create(&first).await.unwrap();
    // Names are unique only in a zone: this one would be made.
    let second = Order { attempt: 2, location: "us-central1-b".to_owned(), ..first };
    assert!(provider.create(&second).await.is_err());
    assert_eq!(place.machines(), 1);
    clear(&*provider, second.node).await;
    provider.create(&second).await.unwrap();
    assert_eq!(place.machines(), 1);
}

#[tokio::test]
async fn an_order_whose_machine_is_gone_is_not_taken_for_made() {
    let place = AtGoogle::new();
    let provider = place.ours();
    let first = order(&place, 5, 1);
    provider.create(&first).await.unwrap();
    clear(&*provider, first.node).await;
    // Google tells the old operation once more.
    let fault = provider.create(&first).await.unwrap_err();
    assert_eq!(fault.happened, Happened::No, "{fault}");
    assert!(fault.message.contains("is gone again"));
    assert_eq!((place.machines(), place.ever_made()), (0, 1));
}

#[tokio::test]
async fn a_disk_that_stays_behind_is_found_and_deleted() {
    let place = AtGoogle::new();
    let provider = place.ours();
    let order = order(&place, 5, 1);
    let machine = provider.create(&order).await.unwrap().machine;
    assert_eq!(provider.list().await.unwrap().len(), 1, "a disk that a machine uses is not counted beside it");
    place.0.cloud.keep_disks();
    provider.delete(&machine).await.unwrap();
    let left = provider.find(order.node).await.unwrap();
    assert_eq!(left.iter().map(|found| found.kind).collect::<Vec<_>>(), [ResourceKind::Disk]);
    assert!(provider.create(&Order { attempt: 2, ..order.clone() }).await.is_err(), "its name is still taken");
    clear(&*provider, order.node).await;
    assert_eq!((place.machines(), place.0.cloud.disks()), (0, 0));
    provider.create(&Order { attempt: 2, ..order }).await.unwrap();
}

#[tokio::test]
async fn a_machine_boots_with_what_it_was_given() {
    let told: Arc<Mutex<Vec<Happening>>> = Arc::default();
    let hook = |told: &Arc<Mutex<Vec<Happening>>>| {
        let told = Arc::clone(told);
        Box::new(move |happening| told.lock().push(happening))
    };
    let hetzner = AtHetzner(Running::start(Hetzner::with_hook(hook(&told))).unwrap());
    let google = AtGoogle(Running::start(Google::with_hook(hook(&told))).unwrap());
    boots(&hetzner, &told, "#cloud-config\n", || hetzner.0.cloud.tick()).await;
    boots(&google, &told, "#!/bin/sh\n", || google.0.cloud.tick()).await;
}

async fn boots(place: &impl Place, told: &Mutex<Vec<Happening>>, start: &str, tick: impl Fn()) {
    let provider: Arc<dyn Provider> = place.ours();
    let order = order(place, 5, 1);
    let name = ownership::machine_name(NodeId::from_u64(5));
    let machine = provider.create(&order).await.unwrap().machine;
    tick();
    let Some(Happening::Booted { name: booted, user_data, .. }) = told.lock().pop() else { panic!("{} did not boot", place.name()) };
    assert_eq!(booted, name);
    assert!(user_data.starts_with(start) && user_data.contains("spe_conformance"), "{user_data}");
    provider.delete(&machine).await.unwrap();
    tick();
    assert_eq!(told.lock().pop(), Some(Happening::Gone { name }));
}
