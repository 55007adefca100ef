//! Rules of who belongs to an organisation.

use super::{Decision, find_org};
use crate::access::Role;
use crate::command::{AccountCommand, Request};
use crate::event::{
    InvitationAccepted, InvitationCreated, MemberAdded, MemberRemoved, MemberRoleChanged, PasswordCause, UserCreated, UserPasswordSet,
};
use crate::id::{OrgId, UserId};
use crate::outcome::Outcome;
use crate::record::{Actor, StreamId};
use crate::refusal::Refusal;
use crate::state::{Org, State};

pub(super) fn invite(state: &State, request: &Request, command: &AccountCommand) -> Result<Decision, Refusal> {
    let AccountCommand::InviteMember { org, user, email_digest, profile_version, role, invitation, digest, expires_at } = command else {
        return Ok(Decision::nothing());
    };
    let known = find_org(state, *org)?;
    check_owner_business(known, request, *role == Role::Owner)?;
    let mut decision = Decision::nothing();
    let user = match state.system.emails.get(email_digest) {
        Some(user) if known.members.contains_key(user) => return Err(Refusal::AlreadyMember),
        Some(user) => *user,
        None => {
            let created = UserCreated { user: *user, email_digest: *email_digest, profile_version: *profile_version };
            decision = decision.with(None, StreamId::System, created);
            *user
        }
    };
    let has_password = state.system.users.get(&user).is_some_and(|user| user.password_version.is_some());
    if has_password {
        let added = MemberAdded { org: *org, user, role: *role };
        return Ok(decision.with(Some(*org), StreamId::Org(*org), added).making(Outcome::User(user)));
    }
    let created = InvitationCreated { invitation: *invitation, org: *org, user, role: *role, digest: *digest, expires_at: *expires_at };
    Ok(decision.with(Some(*org), StreamId::Org(*org), created).making(Outcome::Invitation(*invitation, user)))
}

pub(super) fn accept_invitation(state: &State, request: &Request, command: &AccountCommand) -> Result<Decision, Refusal> {
    let AccountCommand::AcceptInvitation { org, invitation, digest, profile_version, password_version } = command else {
        return Ok(Decision::nothing());
    };
    // Unknown organisation, unknown, wrong and expired link: one answer, so that nothing can be probed.
    let known = state.orgs.get(org).and_then(|org| org.invitations.get(invitation)).ok_or(Refusal::InvitationInvalid)?;
    if !known.digest.matches(digest) || known.expires_at <= request.now {
        return Err(Refusal::InvitationInvalid);
    }
    let user = known.user;
    // Another organisation's invitation may have given this user a password meanwhile; a link must not replace it.
    if state.system.users.get(&user).is_none_or(|user| user.password_version.is_some()) {
        return Err(Refusal::InvitationInvalid);
    }
    let accepted = InvitationAccepted { invitation: *invitation, user, profile_version: *profile_version };
    let password = UserPasswordSet { user, password_version: *password_version, cause: PasswordCause::Invitation };
    Ok(Decision::nothing()
        .with(None, StreamId::System, accepted)
        .with(None, StreamId::System, password)
        .with(Some(*org), StreamId::Org(*org), MemberAdded { org: *org, user, role: known.role })
        .making(Outcome::User(user)))
}

pub(super) fn change_role(org: &Org, request: &Request, id: OrgId, user: UserId, role: Role) -> Result<Decision, Refusal> {
    let current = *org.members.get(&user).ok_or(Refusal::NotFound("member"))?;
    if current == role {
        return Ok(Decision::nothing());
    }
    check_owner_business(org, request, current == Role::Owner || role == Role::Owner)?;
    if current == Role::Owner {
        check_not_last_owner(org)?;
    }
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), MemberRoleChanged { org: id, user, role }))
}

pub(super) fn remove(org: &Org, request: &Request, id: OrgId, user: UserId) -> Result<Decision, Refusal> {
    let invited = || org.invitations.values().find(|invitation| invitation.user == user).map(|invitation| invitation.role);
    let member = org.members.get(&user).copied();
    // Who is only invited is removed as well: the link dies, which is the one way to take back a link that got lost.
    let current = member.or_else(invited).ok_or(Refusal::NotFound("member"))?;
    check_owner_business(org, request, current == Role::Owner)?;
    if member == Some(Role::Owner) {
        check_not_last_owner(org)?;
    }
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), MemberRemoved { org: id, user }))
}

fn check_owner_business(org: &Org, request: &Request, of_owners: bool) -> Result<(), Refusal> {
    let allowed = match request.actor {
        _ if !of_owners => true,
        Actor::User(user) => org.members.get(&user) == Some(&Role::Owner),
        Actor::Operator | Actor::System => true,
        // Keys act as admins at most, agents not at all.
        Actor::ApiKey(_) | Actor::Node(_) => false,
    };
    if allowed { Ok(()) } else { Err(Refusal::OwnerRequired) }
}

fn check_not_last_owner(org: &Org) -> Result<(), Refusal> {
    let owners = org.members.values().filter(|role| **role == Role::Owner).count();
    if owners > 1 { Ok(()) } else { Err(Refusal::LastOwner) }
}
