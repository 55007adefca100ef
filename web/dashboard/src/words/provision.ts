// A machine at a cloud in words: steps, failures, removals, prices. Pure.
import type {
  AbandonReason,
  CloudLeftover,
  MachinePrice,
  ProvisionErrorClass,
  ProvisionStep,
  RemovalReason,
  StepperLine,
} from '../api/types';

/** What is being done, as the state of a node. */
export const STEP_WORDS: Readonly<Record<ProvisionStep, string>> = {
  verify_credential: 'verifying credential',
  create_machine: 'creating VM',
  await_handshake: 'VM starting',
};

/** The four lines of the stepper. */
export const LINE_WORDS: Readonly<Record<StepperLine['line'], string>> = {
  credential_verified: 'credential verified',
  machine_created: 'VM created',
  agent_handshake: 'waiting for agent handshake',
  node_online: 'node online',
};

/** What kind of failure it is, in a few words before the provider's own. */
export const CLASS_WORDS: Readonly<Record<ProvisionErrorClass, string>> = {
  denied: 'credential refused',
  forbidden: 'permission missing',
  quota: 'quota used up',
  no_capacity: 'no capacity',
  bad_input: 'not known there',
  name_taken: 'name taken',
  rate_limited: 'too many calls',
  unavailable: 'provider unavailable',
  no_handshake: 'no call from the VM',
  boot_failed: 'setup on the VM failed',
  unknown: 'refused',
};

/** Whether the same wish would most likely fail alike. */
export const needsChange = (kind: ProvisionErrorClass): boolean =>
  kind === 'bad_input' || kind === 'no_capacity';

/** What the VM does, in its script's own words: `installing_docker: attempt 2`. */
export function stageWords(stage: string, detail: string): string {
  const words = stage.replaceAll('_', ' ');
  return detail === '' ? words : `${words}: ${detail}`;
}

export const REMOVAL_WORDS: Readonly<Record<RemovalReason, string>> = {
  attempt_failed: 'its attempt failed',
  never_called: 'it was kept, and has not called',
  retried: 'another attempt takes its place',
  node_deleted: 'its node is being deleted',
};

export const ABANDON_WORDS: Readonly<Record<AbandonReason, string>> = {
  credential_deleted: 'its credential was deleted by force',
  deletion_forced: 'its node was deleted without waiting',
};

export const STANDING_WORDS: Readonly<Record<CloudLeftover['standing'], string>> = {
  known: 'a node’s VM',
  forgotten: 'its node has no VM, or another one',
  no_node: 'its node is gone',
  unlabelled: 'somebody changed its labels',
};

const SIGNS: Readonly<Record<string, string>> = { EUR: '€', USD: '$', GBP: '£' };

/** Decimal numbers come with as many places as the provider likes; this keeps two that say something. */
function amount(text: string, currency: string): string {
  const value = Number(text);
  if (!Number.isFinite(value)) return `${text} ${currency}`;
  const short = value === 0 || value >= 0.1 ? value.toFixed(2) : String(Number(value.toPrecision(2)));
  const sign = SIGNS[currency];
  return sign === undefined ? `${short} ${currency}` : `${sign}${short}`;
}

/** `€5.18 a month`. */
export function monthly(price: MachinePrice): string {
  return `${amount(price.monthly, price.currency)} a month`;
}

/** `€0.0083 an hour, at most €5.18 a month`. */
export function priceWords(price: MachinePrice): string {
  return `${amount(price.hourly, price.currency)} an hour, at most ${monthly(price)}`;
}
