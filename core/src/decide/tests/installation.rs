//! A restored log: nothing that acts is decided until it is confirmed.

use super::*;
use crate::command::AccountCommand as C;

#[test]
fn a_restored_log_only_observes_until_it_is_confirmed() {
    let mut world = World::new();
    world.given(account(C::RecordRestoration { installation: 1, from: 2, seq: 3, taken_at: Timestamp::from_ms(4) }));
    let project = ProjectId::from_u64(9);
    check(&mut world, account(C::CreateProject { org: ORG, project, name: "late".into() }), Err("observing"));
    check(&mut world, account(C::RenameOrg { org: ORG, name: "late".into() }), Err("observing"));
    check(&mut world, account(C::ConfirmRestoration { difference: [0; 32] }), Ok(&["installation.confirmed"]));
    check(&mut world, account(C::ConfirmRestoration { difference: [0; 32] }), Err("not_observing"));
    check(&mut world, account(C::CreateProject { org: ORG, project, name: "late".into() }), Ok(&["project.created"]));
    // The installation's number stays.
    assert_eq!(world.state.system.installation, Some(1));
}
