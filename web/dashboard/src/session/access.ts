// Who may do what, as core/src/access.rs has it for people. The server decides; this only says beforehand what it will say.
import type { Role } from '../api/types';

const RANK: Readonly<Record<Role, number>> = { member: 0, admin: 1, owner: 2 };

const LEAST_ROLE = {
  'nodes:write': 'admin',
  'workers:write': 'member',
  'projects:write': 'member',
  'audit:read': 'admin',
  'keys:read': 'admin',
  'keys:write': 'admin',
  'members:write': 'admin',
  'org:write': 'owner',
} as const satisfies Record<string, Role>;

export type Permission = keyof typeof LEAST_ROLE;

/** Whether a role is at least another. */
export function atLeast(role: Role, least: Role): boolean {
  return RANK[role] >= RANK[least];
}

/** Why this role may not do that; none when it may. */
export function denial(role: Role | null, permission: Permission): string | null {
  const least: Role = LEAST_ROLE[permission];
  if (role !== null && atLeast(role, least)) return null;
  const who = least === 'owner' ? 'an owner' : least === 'admin' ? 'an admin or owner' : 'a member';
  return `Only ${who} of this organisation may do this${role === null ? '' : `; you are ${role === 'member' ? 'a' : 'an'} ${role}`}.`;
}
