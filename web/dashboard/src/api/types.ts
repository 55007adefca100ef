// The API's nouns by their names; all of them come from the generated schema.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Agent = Schemas['Agent'];
export type AbandonReason = Schemas['AbandonReason'];
export type AuditEntry = Schemas['AuditEntry'];
export type ConnectionRefusal = Schemas['ConnectionRefusal'];
export type CloudCredential = Schemas['CloudCredential'];
export type CloudImage = Schemas['CloudImage'];
export type CloudLeftover = Schemas['CloudLeftover'];
export type CloudLocation = Schemas['CloudLocation'];
export type CloudMachineType = Schemas['CloudMachineType'];
export type CloudProvider = Schemas['CloudProvider'];
export type Deployment = Schemas['Deployment'];
export type Event = Schemas['Event'];
export type EventKind = Event['kind'];
export type Gauges = Schemas['Gauges'];
export type Isolation = Schemas['Isolation'];
export type Key = Schemas['Key'];
export type Machine = Schemas['Machine'];
export type MachinePrice = Schemas['MachinePrice'];
export type Member = Schemas['Member'];
export type Node = Schemas['Node'];
export type NodeState = Schemas['NodeState'];
export type OfflineReason = Schemas['OfflineReason'];
export type Org = Schemas['Org'];
export type Project = Schemas['Project'];
export type Provision = Schemas['Provision'];
export type ProvisionErrorClass = Schemas['ProvisionErrorClass'];
export type ProvisionFailure = Schemas['ProvisionFailure'];
export type ProvisionStep = Schemas['ProvisionStep'];
export type Receipt = Schemas['Receipt'];
export type Refused = Schemas['Refused'];
export type RemovalReason = Schemas['RemovalReason'];
export type Role = Schemas['Role'];
export type Scope = Schemas['Scope'];
export type Service = Schemas['Service'];
export type SignedIn = Schemas['SignedIn'];
export type StepperLine = Schemas['StepperLine'];
export type TokenCommands = Schemas['TokenCommands'];
export type UnitState = Schemas['UnitState'];
export type User = Schemas['User'];
export type Worker = Schemas['Worker'];

// Until the API has them.
export interface StoryFailure {
  position: string;
  at: string;
  attempt: number;
  step: ProvisionStep;
  class: ProvisionErrorClass;
  message: string;
  code: string;
  request_id: string | null;
  next_step: string;
  took_ms: number;
}
export interface StoryLine {
  position: string;
  at: string;
  gap_ms: number | null;
  kind: string;
  actor: string;
  who: string;
  causation: string | null;
  text: string;
  tone: 'plain' | 'good' | 'warning' | 'failure';
  took: { step: string; words: string; place: string; ms: number } | null;
  usual: { p50_ms: number; p95_ms: number } | null;
}
export interface NodeStory {
  node: string;
  name: string;
  stands: string;
  next: string | null;
  lines: StoryLine[];
  omitted: number;
  failed: number | null;
  failure: StoryFailure | null;
}
