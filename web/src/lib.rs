//! The server: HTTP API, agents' WebSockets, sign-in, and the wiring of everything else.
//!
//! Edges are thin: a handler turns a request into a command or a question, and the answer into JSON. Rules are in the core,
//! truth is in the log. The event log itself is named only in `boot.rs`, where it is wired up, `admin.rs`, `backup.rs`, `restore.rs` and `doctor/`.

pub mod admin;
pub mod agent;
pub mod api;
pub mod app;
pub mod ask;
pub mod auth;
pub mod backup;
pub mod boot;
pub mod certificate;
pub mod config;
pub mod confirm;
pub mod dashboard;
pub mod doctor;
pub mod endpoint;
pub mod headers;
pub mod loopback;
pub mod metrics;
pub mod offers;
pub mod openapi;
pub mod operator;
pub mod problem;
pub mod restore;
pub mod tls;
pub mod view;
