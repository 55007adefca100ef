//! Clouds to test against: they speak the vendors' HTTP APIs over real sockets, keep state, and go wrong on request.
//!
//! Written after the vendors' descriptions, and held to them by the vendors' own clients (`it/cloud/vendors.rs`): what those
//! clients do with a fake, they do with the real thing.

pub mod google;
pub mod hetzner;
pub mod operation;
pub mod plan;
pub mod serve;
pub mod wire;

pub use plan::{Answer, Plan};
pub use serve::Running;
pub use wire::{Request, Response};

/// What happens to machines, told to whoever wants to act it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A machine has booted.
    Booted {
        /// Its name.
        name: String,
        /// What it was told to do when it starts: cloud-init's or the start script's text.
        user_data: String,
        /// Its public address.
        address: String,
    },
    /// A machine is no more.
    Gone {
        /// Its name.
        name: String,
    },
}

/// Who is told.
pub type Hook = Box<dyn Fn(Happening) + Send + Sync>;

/// A cloud's API, without sockets.
pub trait Cloud: Send + Sync + 'static {
    /// Does what is asked, and answers.
    fn answer(&self, request: &Request) -> Response;
    /// Lets time pass: operations that have taken their time end.
    fn tick(&self);
}
