//! The real agent and the real engine, with a control plane that a test plays: orders come twice, answers get lost.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use spunto_core::event::RestartPolicy;
use spunto_core::id::{NodeId, OperationId, OrgId, UnitId, WorkerId};
use spunto_core::observe::Observed;
use spunto_core::protocol::{Found, FromAgent, FromServer, Launch, Network, Work, write};
use spunto_core::token::NodeToken;
use spunto_tests::engine::{docker, remove_all_of};
use spunto_tests::paths::server_binary;
use spunto_tests::world::WORKER_IMAGE;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

struct Control {
    listener: TcpListener,
    token: NodeToken,
    agent: Option<Child>,
}

struct Session {
    socket: WebSocket<TcpStream>,
    inventory: Vec<Found>,
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut bytes).unwrap();
    u64::from_le_bytes(bytes)
}

impl Control {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let token = NodeToken::new(OrgId::from_u64(1), NodeId::from_u64(random()), [5; 32]);
        let mut control = Self { listener, token, agent: None };
        control.start_agent();
        control
    }

    fn start_agent(&mut self) {
        let agent = Command::new(server_binary().with_file_name("spunto-agent"))
            .env("NODE_TOKEN", self.token.reveal().expose())
            .env("API_URL", format!("http://{}", self.listener.local_addr().unwrap()))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.agent = Some(agent);
    }

    fn kill_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }

    /// The agent's next session, up to the end of its inventory.
    fn session(&self, epoch: u64) -> Session {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut session = Session { socket: accept(stream).unwrap(), inventory: Vec::new() };
        let FromAgent::Hello(hello) = session.receive() else { panic!("the first frame is a hello") };
        assert!(!hello.facts.docker_version.is_empty());
        let welcome = FromServer::Welcome { epoch, node: self.token.node, protocol: hello.protocol, server_version: "test".into() };
        session.send(&welcome);
        loop {
            let FromAgent::Inventory { units, last, .. } = session.receive() else { panic!("an inventory follows the welcome") };
            session.inventory.extend(units);
            if last {
                return session;
            }
        }
    }

    fn containers(&self, unit: UnitId) -> usize {
        let (node, unit) = (format!("label=net.spunto.node={}", self.token.node), format!("label=net.spunto.unit={unit}"));
        docker(&["ps", "-aq", "--filter", &node, "--filter", &unit]).unwrap().lines().count()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.kill_agent();
        let _ = remove_all_of(&self.token.node.to_string());
    }
}

impl Session {
    fn send(&mut self, frame: &FromServer) {
        self.socket.send(Message::text(write(frame))).unwrap();
    }

    fn order(&mut self, operation: u64, work: Work) {
        self.send(&FromServer::Operate { operation: OperationId::from_u64(operation), work });
    }

    /// The next frame but those that are shown live.
    fn receive(&mut self) -> FromAgent {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                let frame = FromAgent::parse(&text).unwrap();
                if !matches!(
                    frame,
                    FromAgent::Gauges(_) | FromAgent::Probe { .. } | FromAgent::PullProgress { .. } | FromAgent::Accepted { .. }
                ) {
                    return frame;
                }
            }
        }
    }

    /// The answer to an order; other observations are acknowledged on the way.
    fn answer(&mut self, wanted: u64) -> (u64, Observed) {
        loop {
            let FromAgent::Observation { id, operation, observed, .. } = self.receive() else { continue };
            if operation == OperationId::from_u64(wanted) {
                return (id, observed);
            }
            self.send(&FromServer::Ack { id });
        }
    }
}

fn launch() -> Launch {
    Launch {
        name: "w".into(),
        image: WORKER_IMAGE.into(),
        command: vec!["sleep".into(), "1000000".into()],
        env: BTreeMap::new(),
        cpu_millis: None,
        memory_bytes: None,
        restart: RestartPolicy::No,
        network: Network::Own,
    }
}

#[test]
fn the_same_order_twice_makes_one_container_whatever_comes_between() {
    let mut control = Control::new();
    let unit = UnitId::Worker(WorkerId::from_u64(random()));
    let run = || Work::Run { unit, launch: launch() };
    let mut session = control.session(1);
    assert!(session.inventory.is_empty());
    session.order(1, run());
    session.order(1, run());
    let (id, first) = session.answer(1);
    let Observed::Started { container, .. } = &first else { panic!("{first:?}") };
    session.send(&FromServer::Ack { id });
    // Once more, when it is done and acknowledged: the same answer.
    session.order(1, run());
    let (_, again) = session.answer(1);
    assert_eq!(again, first);
    assert_eq!(control.containers(unit), 1);

    // The agent dies and comes back; what it was told before, it is told again.
    control.kill_agent();
    drop(session);
    control.start_agent();
    let mut session = control.session(2);
    assert_eq!(session.inventory.len(), 1);
    assert_eq!(&session.inventory[0].container, container);
    session.order(1, run());
    assert_eq!(session.answer(1).1, first);
    assert_eq!(control.containers(unit), 1);

    // An answer that is not acknowledged comes again, in the next session, under its number.
    session.order(2, Work::Stop { unit, grace_s: 0 });
    let (id, stopped) = session.answer(2);
    assert_eq!(stopped, Observed::Stopped);
    drop(session);
    let mut session = control.session(3);
    assert_eq!(session.answer(2), (id, Observed::Stopped));
    session.send(&FromServer::Ack { id });
    session.order(3, Work::Start { unit, launch: launch() });
    let (_, started) = session.answer(3);
    assert!(
        matches!(&started, Observed::Started { container: same, .. } if same == container),
        "started again, not made anew: {started:?}"
    );
    session.order(4, Work::Remove { unit });
    session.order(4, Work::Remove { unit });
    assert_eq!(session.answer(4).1, Observed::Removed);
    assert_eq!(control.containers(unit), 0);
}

#[test]
fn a_stop_does_not_wait_for_a_pull_that_hangs() {
    let control = Control::new();
    let unit = UnitId::Worker(WorkerId::from_u64(random()));
    // A registry that takes the connection and never answers.
    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    let image = format!("{}/hangs:1", registry.local_addr().unwrap());
    let mut session = control.session(1);
    session.order(1, Work::Run { unit, launch: Launch { image, ..launch() } });
    let _pulling = registry.accept().unwrap();
    session.order(2, Work::Remove { unit });
    assert_eq!(session.answer(2).1, Observed::Removed);
    assert_eq!(control.containers(unit), 0);
}
