//! A deployment's life.

use super::*;

const D: DeploymentId = DeploymentId::from_u64(50);

fn on(command: DeploymentCommand) -> Command {
    Command::Deployment(ORG, D, command)
}

fn service(number: u64, name: &str) -> NewService {
    NewService { service: ServiceId::from_u64(number), name: name.into(), spec: spec(), operation: operation(number) }
}

fn create(services: Vec<NewService>) -> Command {
    on(DeploymentCommand::Create { project: PROJECT, name: "shop".into(), services, labels: BTreeMap::new(), node: None })
}

fn unit(number: u64) -> UnitId {
    UnitId::Service(ServiceId::from_u64(number))
}

#[test]
fn services_have_names_of_their_own_and_count_one_each() {
    let mut world = World::with_nodes([1]);
    check(&mut world, create(vec![]), Err("out_of_range"));
    check(&mut world, create(vec![service(1, "web"), service(2, "web")]), Err("name_taken"));
    check(&mut world, create(vec![service(1, "web"), service(1, "db")]), Err("already_exists"));
    check(&mut world, create(vec![service(1, "Web")]), Err("invalid_input"));
    check(&mut world, create((0..17).map(|n| service(n, &format!("s{n}"))).collect()), Err("out_of_range"));
    check(&mut world, create(vec![service(1, "web"), service(2, "db")]), Ok(&["deployment.created"]));
    assert_eq!(world.node(1).load, 2);
    check(&mut world, create(vec![service(3, "web")]), Err("already_exists"));
}

#[test]
fn it_stops_starts_and_is_gone_with_its_last_service() {
    let mut world = World::with_nodes([1]);
    world.given(create(vec![service(1, "web"), service(2, "db")]));
    world.given(report(1, 1, unit(1), 1, started()));
    world.given(report(1, 1, unit(2), 2, started()));
    check(&mut world, on(DeploymentCommand::Start { operation: operation(10) }), Ok(&[]));
    check(&mut world, on(DeploymentCommand::Stop { operation: operation(20) }), Ok(&["deployment.stop_requested"]));
    check(&mut world, report(1, 1, unit(1), 20, Observed::Stopped), Ok(&["service.stopped"]));
    check(&mut world, report(1, 1, unit(2), 20, Observed::Stopped), Ok(&[]));
    check(&mut world, report(1, 1, unit(2), 21, Observed::Stopped), Ok(&["service.stopped"]));
    assert_eq!(world.node(1).load, 0);
    check(&mut world, on(DeploymentCommand::Start { operation: operation(30) }), Ok(&["deployment.start_requested"]));
    check(&mut world, on(DeploymentCommand::Delete { operation: operation(40), unheard: false }), Ok(&["deployment.delete_requested"]));
    check(&mut world, on(DeploymentCommand::Stop { operation: operation(50) }), Err("wrong_state"));
    check(&mut world, report(1, 1, unit(1), 40, Observed::Removed), Ok(&["service.removed"]));
    check(&mut world, report(1, 1, unit(2), 41, Observed::Removed), Ok(&["service.removed", "deployment.deleted"]));
    check(&mut world, on(DeploymentCommand::Stop { operation: operation(60) }), Err("not_found"));
}

#[test]
fn a_forced_node_deletion_takes_deployments_along() {
    let mut world = World::with_nodes([1]);
    world.given(create(vec![service(1, "web"), service(2, "db")]));
    let delete = on_node(1, NodeCommand::Delete { forced: true, connected: false });
    check(&mut world, delete, Ok(&["node.deletion_started", "deployment.deleted", "node.deleted"]));
}
