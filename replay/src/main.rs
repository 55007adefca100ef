//! `spunto-replay`: what happened to a node, and why, at any point in time.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(spunto_replay::cli::main())
}
