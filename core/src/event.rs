//! The events: what happened, in the past tense, one payload struct per kind.
//!
//! Owns the newest shape of every kind, its number and its name. Old shapes and bytes live in `spunto-events`;
//! nothing here knows how an event is stored. An event carries every fact `State::apply` needs and never a secret,
//! a gauge or a heartbeat.

use serde::{Serialize, Serializer};

pub mod account;
pub mod credential;
pub mod installation;
pub mod node;
pub mod provision;
pub mod unit;

pub use account::*;
pub use credential::*;
pub use installation::*;
pub use node::*;
pub use provision::*;
pub use unit::*;

/// Calls `$callback!` with the whole table of events: `number "name" Variant(Payload) => Stream;`.
///
/// The table is append-only: numbers are never reused, a retired kind keeps its line. `spunto-events` builds its codec from it.
#[macro_export]
macro_rules! for_each_event {
    ($callback:ident) => {
        $callback! {
            1 "org.created" OrgCreated;
            2 "org.renamed" OrgRenamed;
            3 "installation.restored" InstallationRestored;
            4 "installation.confirmed" InstallationConfirmed;
            10 "user.created" UserCreated;
            11 "user.password_set" UserPasswordSet;
            12 "session.started" SessionStarted;
            13 "session.ended" SessionEnded;
            20 "member.added" MemberAdded;
            21 "member.role_changed" MemberRoleChanged;
            22 "member.removed" MemberRemoved;
            23 "invitation.created" InvitationCreated;
            24 "invitation.accepted" InvitationAccepted;
            30 "project.created" ProjectCreated;
            31 "project.renamed" ProjectRenamed;
            32 "project.deleted" ProjectDeleted;
            40 "api_key.created" ApiKeyCreated;
            41 "api_key.revoked" ApiKeyRevoked;
            50 "request.recorded" RequestRecorded;
            51 "actor.seen" ActorSeen;
            60 "credential.added" CredentialAdded;
            61 "credential.replaced" CredentialReplaced;
            62 "credential.deleted" CredentialDeleted;
            63 "leftover.removal_requested" LeftoverRemovalRequested;
            100 "node.created" NodeCreated;
            101 "node.provisioning_failed" NodeProvisioningFailed;
            102 "node.online" NodeOnline;
            103 "node.draining" NodeDraining;
            104 "node.token_rotated" NodeTokenRotated;
            105 "node.offline" NodeOffline;
            106 "node.undrained" NodeUndrained;
            107 "node.maintenance_started" NodeMaintenanceStarted;
            108 "node.maintenance_ended" NodeMaintenanceEnded;
            109 "node.renamed" NodeRenamed;
            110 "node.labels_changed" NodeLabelsChanged;
            111 "node.connection_refused" NodeConnectionRefused;
            112 "node.deletion_started" NodeDeletionStarted;
            113 "node.deleted" NodeDeleted;
            114 "node.isolation_probed" NodeIsolationProbed;
            115 "node.orphan_found" NodeOrphanFound;
            116 "node.containers_kept" NodeContainersKept;
            120 "node.provision_requested" NodeProvisionRequested;
            121 "node.credential_verified" NodeCredentialVerified;
            122 "node.machine_intended" NodeMachineIntended;
            123 "node.machine_ordered" NodeMachineOrdered;
            124 "node.machine_created" NodeMachineCreated;
            125 "node.progress_reported" NodeProgressReported;
            126 "node.enrolled" NodeEnrolled;
            127 "node.machine_removal_intended" NodeMachineRemovalIntended;
            128 "node.machine_removed" NodeMachineRemoved;
            129 "node.machine_abandoned" NodeMachineAbandoned;
            200 "worker.created" WorkerCreated;
            201 "worker.started" WorkerStarted;
            202 "worker.failed" WorkerFailed;
            203 "worker.exited" WorkerExited;
            204 "worker.restarting" WorkerRestarting;
            205 "worker.stop_requested" WorkerStopRequested;
            206 "worker.stopped" WorkerStopped;
            207 "worker.start_requested" WorkerStartRequested;
            208 "worker.delete_requested" WorkerDeleteRequested;
            209 "worker.deleted" WorkerDeleted;
            210 "worker.lost" WorkerLost;
            300 "deployment.created" DeploymentCreated;
            301 "deployment.stop_requested" DeploymentStopRequested;
            302 "deployment.start_requested" DeploymentStartRequested;
            303 "deployment.delete_requested" DeploymentDeleteRequested;
            304 "deployment.deleted" DeploymentDeleted;
            310 "service.started" ServiceStarted;
            311 "service.failed" ServiceFailed;
            312 "service.exited" ServiceExited;
            313 "service.restarting" ServiceRestarting;
            314 "service.stopped" ServiceStopped;
            315 "service.removed" ServiceRemoved;
            316 "service.lost" ServiceLost;
        }
    };
}

macro_rules! define_event {
    ($($number:literal $name:literal $variant:ident;)*) => {
        /// Something that happened. Never encoded as an enum: see [`Event::kind`] and [`Event::name`].
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented at its payload")]
        pub enum Event { $($variant($variant),)* }

        impl Event {
            /// The number of this kind on disk; see the table.
            #[must_use]
            pub const fn kind(&self) -> u16 {
                match self { $(Self::$variant(_) => $number,)* }
            }

            /// The name people know this kind by, e.g. `node.online`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        /// The payload alone, in the shape of its struct.
        impl Serialize for Event {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(payload) => payload.serialize(serializer),)* }
            }
        }

        /// The shape of each kind's payload in JSON, by name, in the order of their numbers.
        #[must_use]
        pub fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, generator.subschema_for::<$variant>()),)*]
        }

        $(impl From<$variant> for Event {
            fn from(payload: $variant) -> Self { Self::$variant(payload) }
        })*

        /// Number and name of every kind, in the order of their numbers.
        pub const KINDS: &[(u16, &str)] = &[$(($number, $name),)*];
    };
}

for_each_event!(define_event);

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn numbers_and_names_are_unique_and_in_order() {
        assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let mut names: Vec<_> = KINDS.iter().map(|(_, name)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
    }
}
