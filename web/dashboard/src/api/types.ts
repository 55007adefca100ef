// The API's nouns by their names; all of them come from the generated schema.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Agent = Schemas['Agent'];
export type AuditEntry = Schemas['AuditEntry'];
export type ConnectionRefusal = Schemas['ConnectionRefusal'];
export type Deployment = Schemas['Deployment'];
export type Event = Schemas['Event'];
export type EventKind = Event['kind'];
export type Gauges = Schemas['Gauges'];
export type Isolation = Schemas['Isolation'];
export type Key = Schemas['Key'];
export type Member = Schemas['Member'];
export type Node = Schemas['Node'];
export type NodeState = Schemas['NodeState'];
export type OfflineReason = Schemas['OfflineReason'];
export type Org = Schemas['Org'];
export type Project = Schemas['Project'];
export type Provider = Schemas['Provider'];
export type Receipt = Schemas['Receipt'];
export type Refused = Schemas['Refused'];
export type Role = Schemas['Role'];
export type Scope = Schemas['Scope'];
export type Service = Schemas['Service'];
export type SignedIn = Schemas['SignedIn'];
export type TokenCommands = Schemas['TokenCommands'];
export type UnitState = Schemas['UnitState'];
export type User = Schemas['User'];
export type Worker = Schemas['Worker'];
