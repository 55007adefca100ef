//! The HTTP API. What each endpoint does is in the file of its noun; `routes/` is the table of all.

pub mod audit;
pub mod clouds;
pub mod credentials;
pub mod deployments;
pub mod description;
pub mod events;
pub mod health;
pub mod keys;
pub mod live;
pub mod logs;
pub mod members;
pub mod nodes;
pub mod operations;
pub mod orgs;
pub mod past;
pub mod projects;
pub mod provisions;
pub mod raw;
pub mod routes;
pub mod session;
pub mod setup;
pub mod units;
pub mod workers;

pub use routes::all as endpoints;
