// What roles and scopes mean, in the words of core/src/access.rs. Pure.
import type { Role, Scope } from '../../api/types';

export const ROLES: readonly { value: Role; about: string }[] = [
  { value: 'member', about: 'Runs workers and deployments, sees everything of the organisation.' },
  { value: 'admin', about: 'Also operates nodes, members and API keys.' },
  { value: 'owner', about: 'Also names owners, and the organisation itself.' },
];

export const SCOPES: readonly { value: Scope; about: string }[] = [
  { value: 'nodes:read', about: 'See nodes.' },
  { value: 'nodes:write', about: 'Add, operate and delete nodes.' },
  { value: 'workers:read', about: 'See workers and deployments, and their output.' },
  { value: 'workers:write', about: 'Make, operate and delete workers and deployments.' },
  { value: 'workers:exec', about: 'Run commands inside workers.' },
  { value: 'projects:read', about: 'See projects.' },
  { value: 'projects:write', about: 'Make, change and delete projects.' },
  { value: 'events:read', about: 'Read the event log.' },
  { value: 'keys:write', about: 'Make and revoke API keys.' },
  { value: '*', about: 'Everything its owner may.' },
];

/** The scopes as they are sent: everything includes the others. */
export function chosenScopes(chosen: ReadonlySet<Scope>): Scope[] {
  if (chosen.has('*')) return ['*'];
  return SCOPES.filter((scope) => chosen.has(scope.value)).map((scope) => scope.value);
}

/** Why somebody of this role can't do that to somebody of that role; none when they can. */
export function ownerBusiness(own: Role | null, other: Role): string | null {
  return other === 'owner' && own !== 'owner' ? 'Only an owner may name, change or remove an owner.' : null;
}
