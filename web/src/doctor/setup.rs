//! The first owner: until there is one, whoever holds the setup link can become it.

use super::{Finding, log, server};

const CHECK: &str = "first owner";

/// Whether there is an owner; none where it could not be found out.
pub(super) fn measure(log: &log::Seen, server: Option<&server::Seen>) -> Option<bool> {
    log.owned().or_else(|| server.and_then(|server| server.needs_owner).map(|needs| !needs))
}

pub(super) fn judge(owned: &Option<bool>) -> Finding {
    match owned {
        Some(true) => Finding::good(CHECK, "is set up"),
        Some(false) => Finding::look(
            CHECK,
            "nobody owns this server yet, and whoever has the setup link can",
            "start the server and open the link that it prints; `spunto admin setup-link` shows it again",
        ),
        None => Finding::look(CHECK, "could not be found out", "see above what keeps the log or the server from being asked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn a_server_without_an_owner_is_told() {
        assert_eq!(judge(&Some(true)).mark, Mark::Good);
        assert!(judge(&Some(false)).to_string().contains("spunto admin setup-link"));
        assert_eq!((judge(&Some(false)).mark, judge(&None).mark), (Mark::Look, Mark::Look));
    }
}
