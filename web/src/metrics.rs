//! Counts for operators, in Prometheus' text format.

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use spunto_actors::journal::{CommandError, Committed};

/// The counts of one server.
pub struct Metrics {
    registry: Registry,
    commands: IntCounterVec,
    unknown_tokens: IntCounter,
    throttled: IntCounter,
    sessions: IntGauge,
    log_events: IntGauge,
    writable: IntGauge,
    leftovers: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let options = Opts::new("spunto_commands_total", "commands by answer");
        let commands = IntCounterVec::new(options, &["answer"]).expect("the name is valid");
        let unknown_tokens = IntCounter::new("spunto_agent_unknown_tokens_total", "agents turned away whose token names no node");
        let unknown_tokens = unknown_tokens.expect("the name is valid");
        let sessions = IntGauge::new("spunto_agent_connections", "agents' WebSockets that are open").expect("the name is valid");
        let log_events = IntGauge::new("spunto_log_events", "events in the log").expect("the name is valid");
        let writable = IntGauge::new("spunto_log_writable", "1 while the log has room; 0 when the disk is full or read-only");
        let writable = writable.expect("the name is valid");
        let throttled = IntCounter::new("spunto_attempts_throttled_total", "attempts to prove a secret that came too often");
        let throttled = throttled.expect("the name is valid");
        let leftovers = IntGauge::new("spunto_cloud_leftovers", "things at clouds that no node needs, as the last hourly looks saw them");
        let leftovers = leftovers.expect("the name is valid");
        let all: [Box<dyn prometheus::core::Collector>; 7] = [
            Box::new(leftovers.clone()),
            Box::new(writable.clone()),
            Box::new(throttled.clone()),
            Box::new(commands.clone()),
            Box::new(unknown_tokens.clone()),
            Box::new(sessions.clone()),
            Box::new(log_events.clone()),
        ];
        for collector in all {
            registry.register(collector).expect("each name is registered once");
        }
        Self { registry, commands, unknown_tokens, throttled, sessions, log_events, writable, leftovers }
    }
}

impl Metrics {
    /// Counts a command's answer.
    pub fn command(&self, answer: &Result<Committed, CommandError>) {
        let label = match answer {
            Ok(_) => "committed",
            Err(CommandError::Refused(_)) => "refused",
            Err(CommandError::Busy) => "busy",
            Err(CommandError::NoRoom(_)) => "no_room",
            Err(CommandError::Unknown) => "unknown",
        };
        self.commands.with_label_values(&[label]).inc();
    }

    /// Counts an agent whose token names no node.
    pub fn unknown_token(&self) {
        self.unknown_tokens.inc();
    }

    /// Counts an attempt to prove a secret that was turned away unlooked at.
    pub fn throttled(&self) {
        self.throttled.inc();
    }

    /// Counts an agent's connection as open, or no longer.
    pub fn connection(&self, open: bool) {
        if open { self.sessions.inc() } else { self.sessions.dec() }
    }

    /// All counts as text.
    #[must_use]
    pub fn text(&self, log_events: u64, writable: bool, leftovers: usize) -> String {
        self.leftovers.set(i64::try_from(leftovers).unwrap_or(i64::MAX));
        self.writable.set(writable.into());
        self.log_events.set(i64::try_from(log_events).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}
