//! What a new machine may say, and trade.

use super::provision::{after, failed, on_machine, removed};
use super::*;
use crate::event::ProvisionErrorClass;
use crate::plan::provision::ENROLMENT_VALID_MS;
use crate::state::{NodeStatus, STAGES_MAX};

fn enrol(token: u8, instance: u64) -> Command {
    on_machine(1, ProvisionCommand::Enrol { digest: digest(token), instance, address: "203.0.113.80".into() })
}

fn report(stage: &str, detail: &str) -> Command {
    on_machine(1, ProvisionCommand::ReportProgress { digest: digest(11), stage: stage.into(), detail: detail.into() })
}

#[test]
fn a_token_is_traded_by_one_installation_until_an_agent_was_let_in() {
    let mut world = after(5);
    check(&mut world, enrol(99, 7), Err("enrolment_unknown"));
    check(&mut world, enrol(11, 7), Ok(&["node.enrolled"]));
    check(&mut world, enrol(11, 7), Ok(&[]));
    check(&mut world, enrol(11, 8), Err("enrolment_used"));
    world.given(connect(1));
    check(&mut world, enrol(11, 7), Err("enrolment_used"));
    world.given(create_node(2));
    let manual = ProvisionCommand::Enrol { digest: digest(1), instance: 7, address: String::new() };
    check(&mut world, on_machine(2, manual), Err("enrolment_unknown"));
}

#[test]
fn a_token_dies_with_its_time_its_machine_and_its_node() {
    let mut world = after(5);
    world.now_ms += ENROLMENT_VALID_MS;
    check(&mut world, enrol(11, 7), Err("enrolment_expired"));
    let mut world = after(3);
    world.given(failed(1, false));
    check(&mut world, enrol(11, 7), Err("enrolment_used"));
    world.given(removed(1));
    check(&mut world, enrol(11, 7), Err("enrolment_used"));
    let mut world = after(5);
    world.given(on_node(1, NodeCommand::Delete { forced: false, connected: false }));
    check(&mut world, enrol(11, 7), Err("enrolment_used"));
}

#[test]
fn progress_is_told_once_and_does_not_use_the_token_up() {
    let mut world = after(4);
    check(&mut world, report("installing docker", ""), Ok(&["node.progress_reported"]));
    check(&mut world, report("installing docker", " \n"), Ok(&[]));
    check(&mut world, report("installing docker", "second\ntry\u{7}"), Ok(&["node.progress_reported"]));
    assert_eq!(world.node(1).provision.as_ref().unwrap().stages[1].detail, "second try");
    for stage in ["", "<b>", &"a".repeat(41), "Üben"] {
        check(&mut world, report(stage, ""), Err("invalid_input"));
    }
    let other = ProvisionCommand::ReportProgress { digest: digest(99), stage: "x".into(), detail: String::new() };
    check(&mut world, on_machine(1, other), Err("enrolment_unknown"));
    world.given(report("starting agent", &"ä".repeat(500)));
    assert!(world.node(1).provision.as_ref().unwrap().stages[2].detail.len() <= crate::name::TEXT_BYTES_MAX);
    for number in 0..2 * STAGES_MAX {
        world.given(report("pulling", &number.to_string()));
    }
    assert_eq!(world.node(1).provision.as_ref().unwrap().stages.len(), STAGES_MAX);
    check(&mut world, enrol(11, 7), Ok(&["node.enrolled"]));
}

#[test]
fn a_setup_that_failed_says_so_at_once_and_may_still_come_right() {
    let mut world = after(5);
    check(&mut world, report("failed", "apt-get: no space left"), Ok(&["node.progress_reported", "node.provisioning_failed"]));
    let NodeStatus::ProvisioningFailed { class, message, .. } = &world.node(1).status else { panic!("not failed") };
    assert_eq!((*class, message.as_str()), (ProvisionErrorClass::BootFailed, "apt-get: no space left"));
    assert!(world.node(1).provision.as_ref().unwrap().failed.as_ref().unwrap().kept_until.is_some());
    check(&mut world, report("failed", "again"), Ok(&["node.progress_reported"]));
    check(&mut world, enrol(11, 7), Ok(&["node.enrolled"]));
    check(&mut world, connect(1), Ok(&["node.online"]));
    // Before the provider's own word, a machine's is not enough.
    let mut world = after(4);
    check(&mut world, report("failed", ""), Ok(&["node.progress_reported"]));
}
