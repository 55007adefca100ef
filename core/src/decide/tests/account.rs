//! Users, members, projects and keys.

use super::*;
use crate::access::{KeyOwner, Scope};
use crate::command::AccountCommand as C;
use crate::id::SessionId;

const ADA: UserId = UserId::from_u64(10);

fn invite(role: Role) -> Command {
    account(C::InviteMember {
        org: ORG,
        user: ADA,
        email_digest: digest(10),
        profile_version: 1,
        role,
        invitation: InvitationId::from_u64(1),
        digest: digest(11),
        expires_at: Timestamp::from_ms(2_000_000),
    })
}

fn accept(secret: u8) -> Command {
    let invitation = InvitationId::from_u64(1);
    account(C::AcceptInvitation { org: ORG, invitation, digest: digest(secret), profile_version: 2, password_version: 1 })
}

#[test]
fn the_first_owner_is_set_up_once() {
    let mut world = World::new();
    let owner = C::SetUpFirstOwner { user: ADA, email_digest: digest(8), profile_version: 1, password_version: 1 };
    check(&mut world, account(owner), Err("already_set_up"));
    let again = C::InitializeSystem { org: ORG, org_name: "x".into(), project: PROJECT, project_name: "x".into() };
    check(&mut world, account(again), Err("already_exists"));
}

#[test]
fn an_invitation_is_used_once_by_whoever_holds_its_secret() {
    let mut world = World::new();
    check(&mut world, invite(Role::Member), Ok(&["user.created", "invitation.created"]));
    check(&mut world, accept(99), Err("invitation_invalid"));
    check(&mut world, accept(11), Ok(&["invitation.accepted", "user.password_set", "member.added"]));
    check(&mut world, accept(11), Err("invitation_invalid"));
    check(&mut world, invite(Role::Member), Err("already_member"));
    let mut late = World::new();
    late.given(invite(Role::Member));
    late.now_ms = 2_000_000;
    check(&mut late, accept(11), Err("invitation_invalid"));
}

#[test]
fn an_invitation_can_be_taken_back() {
    let mut world = World::new();
    let remove = || account(C::RemoveMember { org: ORG, user: ADA });
    world.given(invite(Role::Member));
    check(&mut world, remove(), Ok(&["member.removed"]));
    check(&mut world, accept(11), Err("invitation_invalid"));
    check(&mut world, remove(), Err("not_found"));
    let mut of_owner = World::new();
    of_owner.given(invite(Role::Owner));
    let mut by_key = request(of_owner.now_ms, remove());
    by_key.actor = Actor::ApiKey(ApiKeyId::from_u64(1));
    assert_eq!(of_owner.send(&by_key), Err(Refusal::OwnerRequired));
}

#[test]
fn owners_are_the_business_of_owners_and_one_stays() {
    let mut world = World::new();
    world.given(invite(Role::Admin));
    world.given(accept(11));
    let role = |user, role| account(C::ChangeRole { org: ORG, user, role });
    check(&mut world, role(OWNER, Role::Admin), Err("last_owner"));
    check(&mut world, account(C::RemoveMember { org: ORG, user: OWNER }), Err("last_owner"));
    let mut by_ada = request(world.now_ms, role(ADA, Role::Owner));
    by_ada.actor = Actor::User(ADA);
    assert_eq!(world.send(&by_ada), Err(Refusal::OwnerRequired));
    check(&mut world, role(ADA, Role::Owner), Ok(&["member.role_changed"]));
    check(&mut world, role(ADA, Role::Owner), Ok(&[]));
    check(&mut world, account(C::RemoveMember { org: ORG, user: OWNER }), Ok(&["member.removed"]));
    check(&mut world, account(C::RemoveMember { org: ORG, user: OWNER }), Err("not_found"));
}

#[test]
fn a_new_password_ends_every_session() {
    let mut world = World::new();
    let session = SessionId::from_u64(1);
    let start = || {
        let (digest, expires_at) = (digest(3), Timestamp::from_ms(9_000_000));
        account(C::StartSession { session, user: OWNER, digest, expires_at, address: "203.0.113.9".into() })
    };
    check(&mut world, start(), Ok(&["session.started"]));
    check(&mut world, start(), Err("already_exists"));
    let set = |password_version| account(C::SetPassword { user: OWNER, password_version, cause: crate::event::PasswordCause::Change });
    check(&mut world, set(1), Err("already_exists"));
    check(&mut world, set(2), Ok(&["user.password_set"]));
    assert!(world.state.system.sessions.is_empty());
    check(&mut world, account(C::EndSession { session }), Ok(&[]));
}

#[test]
fn keys_do_no_more_than_their_maker_and_die_with_membership() {
    let mut world = World::new();
    world.given(invite(Role::Member));
    world.given(accept(11));
    let create = |key, owner, scopes: &[Scope]| {
        let (key, scopes) = (ApiKeyId::from_u64(key), scopes.to_vec());
        account(C::CreateApiKey { org: ORG, key, name: "ci".into(), scopes, owner, digest: digest(5) })
    };
    let all = [Scope::All];
    check(&mut world, create(1, KeyOwner::Org, &all), Ok(&["api_key.created"]));
    check(&mut world, create(1, KeyOwner::Org, &all), Err("already_exists"));
    check(&mut world, create(2, KeyOwner::Org, &[]), Err("out_of_range"));
    check(&mut world, create(2, KeyOwner::User(UserId::from_u64(77)), &all), Err("not_found"));
    let mut by_ada = request(world.now_ms, create(2, KeyOwner::Org, &all));
    by_ada.actor = Actor::User(ADA);
    assert_eq!(world.send(&by_ada).unwrap_err().code(), "key_beyond_role");
    check(&mut world, create(2, KeyOwner::User(ADA), &all), Ok(&["api_key.created"]));
    world.given(account(C::RemoveMember { org: ORG, user: ADA }));
    let revoke = |key| account(C::RevokeApiKey { org: ORG, key: ApiKeyId::from_u64(key) });
    check(&mut world, revoke(2), Err("not_found"));
    check(&mut world, revoke(1), Ok(&["api_key.revoked"]));
}

#[test]
fn projects_have_names_and_go_when_they_are_empty() {
    let mut world = World::with_nodes([1]);
    let other = ProjectId::from_u64(20);
    let create = |name: &str| account(C::CreateProject { org: ORG, project: other, name: name.into() });
    check(&mut world, create("default"), Err("name_taken"));
    check(&mut world, create("Shop"), Err("invalid_input"));
    check(&mut world, create("shop"), Ok(&["project.created"]));
    let rename = |name: &str| account(C::RenameProject { org: ORG, project: other, name: name.into() });
    check(&mut world, rename("default"), Err("name_taken"));
    check(&mut world, rename("store"), Ok(&["project.renamed"]));
    world.given(spawn(1));
    check(&mut world, account(C::DeleteProject { org: ORG, project: PROJECT }), Err("project_not_empty"));
    check(&mut world, account(C::DeleteProject { org: ORG, project: other }), Ok(&["project.deleted"]));
    check(&mut world, account(C::RenameOrg { org: ORG, name: "ACME".into() }), Ok(&["org.renamed"]));
    let new = C::CreateOrg { org: OrgId::from_u64(5), name: "Second".into(), owner: OWNER };
    check(&mut world, account(new), Ok(&["org.created", "member.added"]));
}
