//! Sentences about organisations, people, keys and remembered requests.

use super::{Sentence, Told, Tone};
use crate::access::{KeyOwner, Role};
use crate::event::*;
use crate::names::Names;

fn plain(text: impl Into<String>) -> Sentence {
    Sentence::new(Tone::Plain, text)
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Member => "a member",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

impl Told for OrgCreated {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("organisation \"{}\" created", self.name))
    }
}

impl Told for OrgRenamed {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("organisation renamed to \"{}\"", self.name))
    }
}

impl Told for UserCreated {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} became known", self.user))
    }
}

impl Told for UserPasswordSet {
    fn told(&self, _: &Names) -> Sentence {
        let how = match self.cause {
            PasswordCause::Setup => "by the setup link",
            PasswordCause::Invitation => "by accepting an invitation",
            PasswordCause::Reset => "by the operator, offline",
            PasswordCause::Change => "by changing it",
        };
        plain(format!("{} got a password {how}; every earlier sign-in ended", self.user))
    }
}

impl Told for SessionStarted {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} signed in from {}", self.user, self.address))
    }
}

impl Told for SessionEnded {
    fn told(&self, _: &Names) -> Sentence {
        let SessionEnd::SignedOut = self.reason;
        plain("signed out")
    }
}

impl Told for MemberAdded {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} joined as {}", self.user, role(self.role)))
    }
}

impl Told for MemberRoleChanged {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} is {} from now on", self.user, role(self.role)))
    }
}

impl Told for MemberRemoved {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} no longer belongs to the organisation; their keys died with it", self.user))
    }
}

impl Told for InvitationCreated {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} was invited to be {}", self.user, role(self.role)))
    }
}

impl Told for InvitationAccepted {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("{} accepted the invitation", self.user))
    }
}

impl Told for ProjectCreated {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("project \"{}\" created", self.name))
    }
}

impl Told for ProjectRenamed {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("project renamed to \"{}\"", self.name))
    }
}

impl Told for ProjectDeleted {
    fn told(&self, names: &Names) -> Sentence {
        plain(format!("project \"{}\" deleted", names.project(self.project)))
    }
}

impl Told for ApiKeyCreated {
    fn told(&self, _: &Names) -> Sentence {
        let scopes: Vec<String> = self.scopes.iter().map(ToString::to_string).collect();
        let whose = match self.owner {
            KeyOwner::User(user) => format!("for {user}"),
            KeyOwner::Org => "for the organisation".to_owned(),
        };
        plain(format!("API key \"{}\" created {whose}, for {}", self.name, scopes.join(", ")))
    }
}

impl Told for ApiKeyRevoked {
    fn told(&self, names: &Names) -> Sentence {
        plain(format!("API key \"{}\" revoked", names.key(self.key)))
    }
}

impl Told for RequestRecorded {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("request with idempotency key \"{}\" remembered for 24 h", self.key))
    }
}

impl Told for ActorSeen {
    fn told(&self, names: &Names) -> Sentence {
        plain(format!("{} calls from {}", names.actor(self.actor), self.address))
    }
}
