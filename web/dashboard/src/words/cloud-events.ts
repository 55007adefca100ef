// Events of machines at clouds, and of the credentials that make them, in plain words.
import { clock } from '../format/time';
import type { Event } from '../api/types';
import type { NameOf, Told } from './events';
import { providerName } from './providers';
import { ABANDON_WORDS, CLASS_WORDS, priceWords, REMOVAL_WORDS, stageWords } from './provision';

/** Tells an event about clouds; none for others. */
export function tellCloud(event: Event, nameOf: NameOf): Told | null {
  return attempt(event, nameOf) ?? start(event) ?? removal(event) ?? credential(event, nameOf);
}

function attempt(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'node.provision_requested': {
      const { attempt: number, wish, credential: paying } = event.payload;
      const what = `${wish.machine_type} in ${wish.location} with ${wish.image}`;
      const again = number > 1 ? `Attempt ${number}: ` : '';
      return {
        glyph: '▸',
        tone: 'busy',
        text: `${again}VM wanted at ${providerName(wish.provider)}: ${what}, on credential ${nameOf(paying)}`,
      };
    }
    case 'node.credential_verified': {
      const account = event.payload.account === null ? '' : ` (${event.payload.account})`;
      return { glyph: '✓', tone: 'ok', text: `Credential verified${account}` };
    }
    case 'node.machine_intended': {
      const { name, price } = event.payload;
      const cost = price === null ? '' : `, ${priceWords(price)}`;
      return { glyph: '▸', tone: 'busy', text: `Provider asked for VM ${name}${cost}` };
    }
    case 'node.machine_ordered': {
      const { reference, found } = event.payload;
      const text = found ? `VM ${reference} was made by an earlier call` : `Provider makes VM ${reference}`;
      return { glyph: '▸', tone: 'busy', text };
    }
    case 'node.machine_created': {
      const address = event.payload.address === null ? '' : `, address ${event.payload.address}`;
      return { glyph: '✓', tone: 'ok', text: `VM created (${event.payload.reference}${address})` };
    }
    case 'node.provisioning_failed': {
      const { attempt: number, failure, kept_until } = event.payload;
      const kept = kept_until === null ? '' : ` The VM is kept until ${clock(Date.parse(kept_until))}.`;
      const words = `${CLASS_WORDS[failure.class]}: ${failure.message}`;
      return { glyph: '✗', tone: 'bad', text: `Provisioning failed (attempt ${number}): ${words}${kept}` };
    }
    default:
      return null;
  }
}

function start(event: Event): Told | null {
  switch (event.kind) {
    case 'node.progress_reported': {
      const { stage, detail } = event.payload;
      const failed = stage === 'failed';
      const text = `VM: ${stageWords(stage, detail)}`;
      return { glyph: failed ? '✗' : '▸', tone: failed ? 'bad' : 'busy', text };
    }
    case 'node.enrolled':
      return { glyph: '✓', tone: 'ok', text: `Agent enrolled from ${event.payload.address}` };
    default:
      return null;
  }
}

function removal(event: Event): Told | null {
  switch (event.kind) {
    case 'node.machine_removal_intended':
      return {
        glyph: '▾',
        tone: 'warn',
        text: `VM is being removed: ${REMOVAL_WORDS[event.payload.reason]}`,
      };
    case 'node.machine_removed':
      return { glyph: '✓', tone: 'ok', text: 'VM removed, with everything that came with it' };
    case 'node.machine_abandoned': {
      const { name, reason } = event.payload;
      return {
        glyph: '✗',
        tone: 'bad',
        text: `VM ${name} given up, as ${ABANDON_WORDS[reason]}: it may run on, and cost, until somebody removes it`,
      };
    }
    default:
      return null;
  }
}

function credential(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'credential.added': {
      const { name, provider, account } = event.payload;
      const whose = account === null ? '' : ` of ${account}`;
      return {
        glyph: '✓',
        tone: 'ok',
        text: `Cloud credential ${name} added, verified at ${providerName(provider)}${whose}`,
      };
    }
    case 'credential.replaced': {
      const name = nameOf(event.payload.credential);
      return {
        glyph: '▸',
        tone: 'idle',
        text: `Cloud credential ${name} has a new secret (version ${event.payload.version})`,
      };
    }
    case 'credential.deleted': {
      const text = `Cloud credential ${nameOf(event.payload.credential)} deleted`;
      return event.payload.forced
        ? { glyph: '✗', tone: 'bad', text: `${text} by force: VMs that need it are given up` }
        : { glyph: '✗', tone: 'warn', text };
    }
    case 'leftover.removal_requested':
      return {
        glyph: '▾',
        tone: 'warn',
        text: `Removal of ${event.payload.name} asked for: no node needs it`,
      };
    default:
      return null;
  }
}
