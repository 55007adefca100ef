//! `step`: to come.

use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;

/// To come.
///
/// # Errors
/// Always.
pub fn run(_: &History, _: Option<&str>, _: Point) -> Result<u8, Failure> {
    Err(Failure::Usage("not yet".to_owned()))
}
