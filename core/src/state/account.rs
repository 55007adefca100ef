//! Folds what happens to users, members, projects and keys.

use super::{Invitation, Key, Org, Project, Remembered, Session, System, User};
use crate::access::KeyOwner;
use crate::event::Event;
use crate::record::{Actor, Record};

impl System {
    pub(super) fn apply(&mut self, record: &Record) {
        self.version = record.stream_version;
        match &record.event {
            Event::UserCreated(e) => {
                self.emails.insert(e.email_digest, e.user);
                let user = User { profile_version: e.profile_version, password_version: None, created_at: record.at };
                self.users.insert(e.user, user);
            }
            Event::UserPasswordSet(e) => {
                if let Some(user) = self.users.get_mut(&e.user) {
                    user.password_version = Some(e.password_version);
                }
                self.sessions.retain(|_, session| session.user != e.user);
            }
            Event::SessionStarted(e) => {
                self.sessions.retain(|_, session| session.expires_at > record.at);
                let session = Session { user: e.user, digest: e.digest, started_at: record.at, expires_at: e.expires_at };
                self.sessions.insert(e.session, session);
            }
            Event::SessionEnded(e) => {
                self.sessions.remove(&e.session);
            }
            Event::InvitationAccepted(e) => {
                if let Some(user) = self.users.get_mut(&e.user) {
                    user.profile_version = e.profile_version;
                }
            }
            _ => {}
        }
    }
}

impl Org {
    pub(super) fn apply_account(&mut self, record: &Record) {
        self.version = record.stream_version;
        match &record.event {
            Event::OrgRenamed(e) => self.name.clone_from(&e.name),
            Event::MemberAdded(e) => {
                self.members.insert(e.user, e.role);
                self.invitations.retain(|_, invitation| invitation.user != e.user);
            }
            Event::MemberRoleChanged(e) => {
                self.members.insert(e.user, e.role);
            }
            Event::MemberRemoved(e) => {
                self.members.remove(&e.user);
                self.invitations.retain(|_, invitation| invitation.user != e.user);
                self.addresses.remove(&Actor::User(e.user));
                for (key, _) in self.keys.extract_if(.., |_, key| key.owner == KeyOwner::User(e.user)) {
                    self.addresses.remove(&Actor::ApiKey(key));
                }
            }
            Event::InvitationCreated(e) => {
                self.invitations.retain(|_, invitation| invitation.user != e.user && invitation.expires_at > record.at);
                let invitation = Invitation { user: e.user, role: e.role, digest: e.digest, expires_at: e.expires_at };
                self.invitations.insert(e.invitation, invitation);
            }
            Event::ProjectCreated(e) => {
                let project = Project { name: e.name.clone(), version: record.seq, created_at: record.at };
                self.projects.insert(e.project, project);
            }
            Event::ProjectRenamed(e) => {
                if let Some(project) = self.projects.get_mut(&e.project) {
                    project.name.clone_from(&e.name);
                    project.version = record.seq;
                }
            }
            Event::ProjectDeleted(e) => {
                self.projects.remove(&e.project);
            }
            Event::ApiKeyCreated(e) => {
                let key = Key { name: e.name.clone(), scopes: e.scopes.clone(), owner: e.owner, digest: e.digest, created_at: record.at };
                self.keys.insert(e.key, key);
            }
            Event::ApiKeyRevoked(e) => {
                self.keys.remove(&e.key);
                self.addresses.remove(&Actor::ApiKey(e.key));
            }
            Event::ActorSeen(e) => {
                self.addresses.insert(e.actor, e.address.clone());
            }
            Event::RequestRecorded(e) => {
                let remembered = Remembered { body_hash: e.body_hash, outcome: e.outcome, at: record.at };
                self.requests.remember(e.principal, &e.key, remembered);
            }
            _ => {}
        }
    }
}
