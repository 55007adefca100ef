//! Who may import whom, from `cargo metadata`: the table of ARCHITECTURE.md, and the crates that belong to one room.

#![allow(clippy::unwrap_used, reason = "without metadata there is nothing to check")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

type Imports = BTreeMap<String, BTreeSet<String>>;

/// What each room may import of ours.
const ROOMS: &[(&str, &[&str])] = &[
    ("spunto-core", &[]),
    ("spunto-events", &["spunto-core"]),
    ("spunto-actors", &["spunto-core", "spunto-events"]),
    ("spunto-agent", &["spunto-core"]),
    ("spunto-web", &["spunto-core", "spunto-actors", "spunto-events"]),
    ("spunto-replay", &["spunto-core", "spunto-events"]),
    ("spunto-tests", &["spunto-core", "spunto-events", "spunto-actors", "spunto-agent", "spunto-web", "spunto-replay"]),
];

/// Outside crates that only one room may name, so that replacing one costs one room.
const BELONGS: &[(&str, &str)] = &[
    ("sled", "spunto-events"),
    ("bincode", "spunto-events"),
    ("bollard", "spunto-agent"),
    ("reqwest", "spunto-actors"),
    ("actix-web", "spunto-web"),
    ("actix-web-actors", "spunto-web"),
];

fn imports() -> Imports {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let of = |package: &cargo_metadata::Package| {
        let kept = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Build);
        kept.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), of(package))).collect()
}

fn offences(imports: &Imports) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut found = Vec::new();
    for (room, names) in imports {
        let Some(may) = allowed.get(room.as_str()) else {
            found.push(format!("{room} has no line in the import table"));
            continue;
        };
        for name in names {
            if name.starts_with("spunto-") && !may.contains(&name.as_str()) {
                found.push(format!("{room} may not import {name}"));
            }
            if BELONGS.iter().any(|(outside, owner)| outside == name && owner != room) {
                found.push(format!("{name} belongs to another room than {room}"));
            }
        }
    }
    found
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let imports = imports();
    assert_eq!(imports.len(), ROOMS.len());
    assert_eq!(offences(&imports), Vec::<String>::new());
}

#[test]
fn a_forbidden_import_is_found() {
    for (room, name) in [("spunto-core", "spunto-events"), ("spunto-replay", "spunto-actors"), ("spunto-web", "sled")] {
        let mut planted = imports();
        planted.get_mut(room).unwrap().insert(name.to_owned());
        assert_eq!(offences(&planted).len(), 1, "{room} importing {name}");
    }
    let mut unknown = imports();
    unknown.insert("spunto-util".to_owned(), BTreeSet::new());
    assert_eq!(offences(&unknown).len(), 1);
}
