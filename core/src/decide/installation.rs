//! Rules of a restored log: until somebody confirms it, nothing is decided that would act. The one gate for all commands.

use super::Decision;
use crate::command::{AccountCommand, Command, NodeCommand, Request};
use crate::event::{InstallationConfirmed, InstallationRestored};
use crate::record::{Actor, StreamId};
use crate::refusal::Refusal;
use crate::state::State;

/// Refuses what must wait until a restored log was confirmed.
pub(super) fn check(state: &State, request: &Request) -> Result<(), Refusal> {
    if state.is_observing() && !waits_for_nothing(request) { Err(Refusal::Observing) } else { Ok(()) }
}

/// What may happen while the server observes: people sign in, agents come and go, and the operator takes rights away.
fn waits_for_nothing(request: &Request) -> bool {
    use AccountCommand as A;
    use NodeCommand as N;
    match &request.command {
        Command::Account(A::StartSession { .. } | A::EndSession { .. }) => true,
        Command::Account(A::RecordRestoration { .. } | A::ConfirmRestoration { .. }) => true,
        Command::Account(A::SetPassword { .. } | A::RevokeApiKey { .. }) => request.actor == Actor::Operator,
        Command::Node(_, _, N::AcceptSession { .. } | N::RefuseConnection { .. } | N::EndAgentSession { .. }) => true,
        Command::Node(_, _, N::RotateToken { .. } | N::KeepContainers { .. }) => request.actor == Actor::Operator,
        _ => false,
    }
}

pub(super) fn decide(state: &State, command: &AccountCommand) -> Result<Decision, Refusal> {
    match command {
        AccountCommand::RecordRestoration { installation, from, seq, taken_at } => {
            let restored = InstallationRestored { installation: *installation, from: *from, seq: *seq, taken_at: *taken_at };
            Ok(Decision::nothing().with(None, StreamId::System, restored))
        }
        AccountCommand::ConfirmRestoration { difference } if state.is_observing() => {
            Ok(Decision::nothing().with(None, StreamId::System, InstallationConfirmed { difference: *difference }))
        }
        AccountCommand::ConfirmRestoration { .. } => Err(Refusal::NotObserving),
        _ => Ok(Decision::nothing()),
    }
}
