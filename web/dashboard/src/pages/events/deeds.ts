// What somebody did, by the kind of its event: for the audit, which has no payloads. Pure.
import type { EventKind } from '../../api/types';

const WORDS: Readonly<Partial<Record<EventKind, string>>> = {
  'org.created': 'created the organisation',
  'org.renamed': 'renamed the organisation',
  'installation.restored': 'restored a backup',
  'installation.confirmed': 'confirmed a restored backup',
  'user.password_set': 'set a password',
  'session.started': 'signed in',
  'session.ended': 'signed out',
  'member.added': 'brought somebody in',
  'member.role_changed': 'changed a role',
  'member.removed': 'removed somebody',
  'invitation.created': 'invited somebody',
  'invitation.accepted': 'accepted an invitation',
  'project.created': 'created a project',
  'project.renamed': 'renamed a project',
  'project.deleted': 'deleted a project',
  'api_key.created': 'created an API key',
  'api_key.revoked': 'revoked an API key',
  'credential.added': 'added a cloud credential',
  'credential.replaced': 'replaced a cloud credential’s secret',
  'credential.deleted': 'deleted a cloud credential',
  'leftover.removal_requested': 'removed a leftover at a cloud',
  'node.created': 'added a node',
  'node.provision_requested': 'asked a cloud for a VM',
  'node.machine_abandoned': 'gave up a VM at a cloud',
  'node.renamed': 'renamed a node',
  'node.labels_changed': 'labelled a node',
  'node.draining': 'drained a node',
  'node.undrained': 'ended a drain',
  'node.maintenance_started': 'started maintenance',
  'node.maintenance_ended': 'ended maintenance',
  'node.token_rotated': 'rotated a token',
  'node.containers_kept': 'kept containers that a restored log does not know',
  'node.deletion_started': 'started to delete a node',
  'node.deleted': 'deleted a node',
  'worker.created': 'created a worker',
  'worker.stop_requested': 'stopped a worker',
  'worker.start_requested': 'started a worker',
  'worker.delete_requested': 'deleted a worker',
  'worker.deleted': 'deleted a worker without its node',
  'deployment.created': 'created a deployment',
  'deployment.stop_requested': 'stopped a deployment',
  'deployment.start_requested': 'started a deployment',
  'deployment.delete_requested': 'deleted a deployment',
  'deployment.deleted': 'deleted a deployment without its node',
};

/** What was done; a kind that is new to this version is its own name. */
export function deedWords(kind: string): string {
  return (WORDS as Readonly<Record<string, string>>)[kind] ?? kind;
}
