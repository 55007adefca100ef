//! Routes of people, organisations, projects and keys.

use actix_web::http::Method;
use spunto_core::access::Permission as P;

use crate::api::{keys, members, orgs, projects, session, setup};
use crate::ask::Page;
use crate::endpoint::{Endpoint, Rule};
use crate::openapi::doc::Doc;
use crate::view::account::{KeyView, MemberView, OrgView, ProjectView};
use crate::view::reply::*;

pub(super) fn sign_in() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/setup", Rule::Public, setup::needed)
            .doc(Doc::of("setup.get", "Whether the first owner is still to be made.").gives::<SetupNeeded>(200)),
        Endpoint::new(Method::POST, "/api/setup", Rule::Public, setup::first_owner).doc(
            Doc::of("setup.do", "Makes the first owner, with the token of the printed link, and signs them in.")
                .takes::<setup::FirstOwner>()
                .gives::<SignedIn>(201),
        ),
        Endpoint::new(Method::POST, "/api/session", Rule::Public, session::sign_in).doc(
            Doc::of("session.start", "Signs in; the answer sets the session's cookie. 429 after too many failures.")
                .takes::<session::SignIn>()
                .gives::<SignedIn>(200),
        ),
        Endpoint::new(Method::GET, "/api/session", Rule::SignedIn, session::who)
            .doc(Doc::of("session.get", "Who asks, and where they belong.").gives::<Caller>(200)),
        Endpoint::new(Method::DELETE, "/api/session", Rule::Person, session::sign_out)
            .doc(Doc::of("session.end", "Signs out.").gives_nothing()),
        Endpoint::new(Method::POST, "/api/session/password", Rule::Person, session::change_password).doc(
            Doc::of("session.password", "Changes the password; every session of the person ends.")
                .takes::<session::ChangePassword>()
                .gives::<Done>(200),
        ),
        Endpoint::new(Method::POST, "/api/invitations/accept", Rule::Public, members::accept).doc(
            Doc::of("invitations.accept", "Sets a password by an invitation's token, and signs in.")
                .takes::<members::Accept>()
                .gives::<SignedIn>(201),
        ),
    ]
}

pub(super) fn orgs() -> Vec<Endpoint> {
    const ORG: &str = "/api/orgs/{org}";
    const PROJECTS: &str = "/api/orgs/{org}/projects";
    const PROJECT: &str = "/api/orgs/{org}/projects/{project}";
    vec![
        Endpoint::new(Method::GET, "/api/orgs", Rule::SignedIn, orgs::list)
            .doc(Doc::of("orgs.list", "The caller's organisations.").query::<Page>().gives::<PageOf<OrgView>>(200)),
        Endpoint::new(Method::POST, "/api/orgs", Rule::Person, orgs::create)
            .doc(Doc::of("orgs.create", "Makes an organisation, owned by the caller.").takes::<orgs::Named>().gives::<OrgReply>(201)),
        Endpoint::new(Method::GET, ORG, Rule::Org(P::PROJECTS_READ), orgs::get)
            .doc(Doc::of("orgs.get", "An organisation.").gives::<OrgView>(200)),
        Endpoint::new(Method::PATCH, ORG, Rule::Org(P::ORG_WRITE), orgs::rename)
            .doc(Doc::of("orgs.rename", "Renames it.").takes::<orgs::Named>().gives::<OrgReply>(200).repeatable().conditional()),
        Endpoint::new(Method::GET, PROJECTS, Rule::Org(P::PROJECTS_READ), projects::list)
            .doc(Doc::of("projects.list", "Its projects.").query::<Page>().gives::<PageOf<ProjectView>>(200)),
        Endpoint::new(Method::POST, PROJECTS, Rule::Org(P::PROJECTS_WRITE), projects::create)
            .doc(Doc::of("projects.create", "Makes a project.").takes::<orgs::Named>().gives::<ProjectReply>(201).repeatable()),
        Endpoint::new(Method::GET, PROJECT, Rule::Org(P::PROJECTS_READ), projects::get)
            .doc(Doc::of("projects.get", "A project.").gives::<ProjectView>(200)),
        Endpoint::new(Method::PATCH, PROJECT, Rule::Org(P::PROJECTS_WRITE), projects::rename)
            .doc(Doc::of("projects.rename", "Renames it.").takes::<orgs::Named>().gives::<ProjectReply>(200).repeatable().conditional()),
        Endpoint::new(Method::DELETE, PROJECT, Rule::Org(P::PROJECTS_WRITE), projects::delete)
            .doc(Doc::of("projects.delete", "Deletes it; it must be empty.").gives::<Done>(200).conditional()),
    ]
}

pub(super) fn access() -> Vec<Endpoint> {
    const MEMBERS: &str = "/api/orgs/{org}/members";
    const MEMBER: &str = "/api/orgs/{org}/members/{user}";
    const KEYS: &str = "/api/orgs/{org}/keys";
    vec![
        Endpoint::new(Method::GET, MEMBERS, Rule::Org(P::MEMBERS_READ), members::list).doc(
            Doc::of("members.list", "Who belongs to the organisation, and who is invited.")
                .query::<Page>()
                .gives::<PageOf<MemberView>>(200),
        ),
        Endpoint::new(Method::POST, MEMBERS, Rule::Org(P::MEMBERS_WRITE), members::invite).doc(
            Doc::of("members.invite", "Brings somebody in; who has no password gets a one-time link, to be handed over by the caller.")
                .takes::<members::Invite>()
                .gives::<Invited>(201),
        ),
        Endpoint::new(Method::PATCH, MEMBER, Rule::Org(P::MEMBERS_WRITE), members::change_role).doc(
            Doc::of("members.change_role", "Gives a member another role.")
                .takes::<members::NewRole>()
                .gives::<RoleChanged>(200)
                .repeatable(),
        ),
        Endpoint::new(Method::DELETE, MEMBER, Rule::Org(P::MEMBERS_WRITE), members::remove)
            .doc(Doc::of("members.remove", "Removes a member; their keys of this organisation die.").gives::<Done>(200)),
        Endpoint::new(Method::GET, KEYS, Rule::Org(P::KEYS_READ), keys::list)
            .doc(Doc::of("keys.list", "API keys, without their secrets.").query::<Page>().gives::<PageOf<KeyView>>(200)),
        Endpoint::new(Method::POST, KEYS, Rule::Org(P::KEYS_WRITE), keys::create).doc(
            Doc::of("keys.create", "Makes an API key; its secret is shown this once.").takes::<keys::NewKey>().gives::<KeyCreated>(201),
        ),
        Endpoint::new(Method::DELETE, "/api/orgs/{org}/keys/{key}", Rule::Org(P::KEYS_WRITE), keys::revoke)
            .doc(Doc::of("keys.revoke", "Revokes a key: from that moment it opens nothing.").gives::<Done>(200)),
    ]
}
