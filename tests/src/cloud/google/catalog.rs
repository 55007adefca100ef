//! What the fake offers: a part of what Google offers, in its shapes.

use serde_json::{Value, json};

use super::PROJECT;

/// Name, status, whether it is on its way out.
const ZONES: [(&str, &str, bool); 5] = [
    ("europe-west3-a", "UP", false),
    ("us-central1-a", "UP", false),
    ("us-central1-b", "UP", false),
    ("us-east1-a", "DOWN", false),
    ("us-west9-a", "UP", true),
];
/// Name, CPUs, memory in MiB, architecture.
const MACHINE_TYPES: [(&str, u32, u32, &str); 4] = [
    ("e2-medium", 2, 4_096, "X86_64"),
    ("e2-small", 2, 2_048, "X86_64"),
    ("n4-standard-2", 2, 8_192, "X86_64"),
    ("t2a-standard-1", 1, 4_096, "ARM64"),
];
/// Project, family, image, description.
const IMAGES: [(&str, &str, &str, &str); 4] = [
    ("debian-cloud", "debian-12", "debian-12-bookworm-v20261110", "Debian, Debian GNU/Linux, 12 (bookworm), amd64"),
    ("debian-cloud", "debian-12-arm64", "debian-12-bookworm-arm64-v20261110", "Debian, Debian GNU/Linux, 12 (bookworm), arm64"),
    ("debian-cloud", "debian-13", "debian-13-trixie-v20261110", "Debian, Debian GNU/Linux, 13 (trixie), amd64"),
    ("ubuntu-os-cloud", "ubuntu-2404-lts-amd64", "ubuntu-2404-noble-amd64-v20261109", "Canonical, Ubuntu, 24.04 LTS, amd64 noble image"),
];

pub(super) fn is_zone(zone: &str) -> bool {
    ZONES.iter().any(|(name, ..)| *name == zone)
}

pub(super) fn is_machine_type(name: &str) -> bool {
    MACHINE_TYPES.iter().any(|(known, ..)| *known == name)
}

pub(super) fn is_image(path: &str) -> bool {
    IMAGES.iter().any(|(project, family, ..)| path == format!("projects/{project}/global/images/family/{family}"))
}

pub(super) fn zone_names() -> impl Iterator<Item = String> {
    ZONES.iter().map(|(name, ..)| (*name).to_owned())
}

pub(super) fn project() -> Value {
    json!({ "kind": "compute#project", "id": "4711", "name": PROJECT, "creationTimestamp": "2026-01-05T01:02:03.000-08:00",
        "quotas": [{ "metric": "NETWORKS", "limit": 5.0, "usage": 1.0 }], "selfLink": "" })
}

pub(super) fn zones() -> Vec<Value> {
    let zone = |(name, status, going): &(&str, &str, bool)| {
        let mut zone =
            json!({ "kind": "compute#zone", "id": "2000", "name": name, "description": name, "status": status, "region": region(name) });
        if *going {
            zone["deprecated"] = json!({ "state": "DEPRECATED" });
        }
        zone
    };
    ZONES.iter().map(zone).collect()
}

fn region(zone: &str) -> String {
    let name = zone.rsplit_once('-').map_or(zone, |(region, _)| region);
    format!("https://www.googleapis.com/compute/v1/projects/{PROJECT}/regions/{name}")
}

pub(super) fn regions() -> Vec<Value> {
    ["europe-west3", "us-central1"]
        .iter()
        .map(|name| {
            json!({ "kind": "compute#region", "name": name, "status": "UP",
        "quotas": [{ "metric": "CPUS", "limit": 24.0, "usage": 2.0 }] })
        })
        .collect()
}

pub(super) fn machine_types(zone: &str) -> Vec<Value> {
    let kind = |(name, cpus, memory, architecture): &(&str, u32, u32, &str)| {
        json!({ "kind": "compute#machineType", "id": "801016", "name": name, "description": format!("{cpus} vCPU, {} GB RAM", memory / 1024),
            "guestCpus": cpus, "memoryMb": memory, "imageSpaceGb": 0, "maximumPersistentDisks": 128, "zone": zone,
            "isSharedCpu": false, "architecture": architecture })
    };
    MACHINE_TYPES.iter().map(kind).collect()
}

pub(super) fn image(project: &str, family: &str) -> Option<Value> {
    let (.., name, description) = IMAGES.iter().find(|(of, known, ..)| *of == project && *known == family)?;
    Some(json!({ "kind": "compute#image", "id": "3333", "name": name, "family": family, "description": description, "status": "READY",
        "diskSizeGb": "10", "architecture": if family.contains("arm64") { "ARM64" } else { "X86_64" } }))
}
