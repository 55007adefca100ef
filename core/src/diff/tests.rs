//! Differences between trees and between states.

#![allow(clippy::unwrap_used, reason = "a missing difference is a failed test")]

use serde_json::json;

use super::*;
use crate::state::Org;
use crate::time::Timestamp;

#[test]
fn trees_differ_where_values_do() {
    let before = json!({ "same": 1, "status": { "state": "online" }, "units": ["a", "b"], "gone": true, "empty": null });
    let after = json!({ "same": 1, "status": { "state": "offline", "reason": "x" }, "units": ["b", "c"], "empty": null });
    let expected = [
        Change::Removed { path: "gone".into(), value: json!(true) },
        Change::Added { path: "status.reason".into(), value: json!("x") },
        Change::Changed { path: "status.state".into(), before: json!("online"), after: json!("offline") },
        Change::Removed { path: "units".into(), value: json!("a") },
        Change::Added { path: "units".into(), value: json!("c") },
    ];
    assert_eq!(trees(&before, &after), expected);
    assert_eq!(trees(&before, &before), []);
}

#[test]
fn states_differ_by_subject_and_the_same_state_does_not() {
    let org = crate::id::OrgId::from_u64(1);
    let mut before = State::default();
    before.orgs.insert(org, Org::new("a".into(), Timestamp::from_ms(1)));
    let mut after = before.clone();
    after.orgs.get_mut(&org).unwrap().name = "b".into();
    assert_eq!(states(&before, &before), []);
    let found = states(&before, &after);
    assert_eq!((found.len(), found[0].subject, found[0].name.as_str(), found[0].fate), (1, StreamId::Org(org), "b", Fate::Changed));
    assert_eq!(found[0].changes, [Change::Changed { path: "name".into(), before: json!("a"), after: json!("b") }]);
    let fates: Vec<Fate> =
        [states(&State::default(), &after), states(&after, &State::default())].concat().iter().map(|one| one.fate).collect();
    assert_eq!(fates, [Fate::Created, Fate::Deleted]);
}
