// A provision as the lines of a terminal: how far each is, how long it took, takes usually, and may take. Pure.
import type { Provision, StepperLine } from '../../api/types';
import { amount, clock, longDuration } from '../../format/time';
import { LINE_WORDS, priceWords, REMOVAL_WORDS, stageWords } from '../../words/provision';

/** Fewer attempts have no tail to speak of, and this one may be among them. */
const FEW = 3;

type Tone = 'ok' | 'busy' | 'bad' | 'idle';

export interface StageLine {
  glyph: '✓' | '▸' | '✗';
  tone: Tone;
  text: string;
  at: number;
}

export interface ConsoleLine {
  key: StepperLine['line'];
  state: StepperLine['state'];
  glyph: '✓' | '▸' | '·' | '✗';
  tone: Tone;
  text: string;
  /** When its turn came; none before. */
  at: number | null;
  /** How long it took or has taken so far. */
  took: string;
  /** How long it usually takes; empty while nobody knows. */
  usual: string;
  /** When it is given up; empty unless it is under way. */
  deadline: string;
  /** What the VM told of its start. */
  stages: StageLine[];
}

const LOOKS = {
  done: { glyph: '✓', tone: 'ok' },
  current: { glyph: '▸', tone: 'busy' },
  pending: { glyph: '·', tone: 'idle' },
  failed: { glyph: '✗', tone: 'bad' },
} as const;

/** The states for who hears them. */
export const STATE_WORDS: Readonly<Record<StepperLine['state'], string>> = {
  done: 'done',
  current: 'under way',
  pending: 'to come',
  failed: 'failed',
};

export function consoleLines(provision: Provision, nowMs: number): ConsoleLine[] {
  return provision.lines.map((line) => ({
    key: line.line,
    state: line.state,
    ...LOOKS[line.state],
    text: LINE_WORDS[line.line] + (line.line === 'agent_handshake' && line.state === 'current' ? '…' : ''),
    at: line.started_at === null ? null : Date.parse(line.started_at),
    took: tookWords(line, nowMs),
    usual: usualWords(line),
    deadline: line.deadline === null ? '' : `gives up at ${clock(Date.parse(line.deadline))}`,
    stages: line.line === 'agent_handshake' ? stageLines(provision, line.state) : [],
  }));
}

function tookWords(line: StepperLine, nowMs: number): string {
  if (line.took_ms !== null) return `${line.state === 'failed' ? 'after' : 'took'} ${amount(line.took_ms)}`;
  if (line.state !== 'current' || line.started_at === null) return '';
  return longDuration((nowMs - Date.parse(line.started_at)) / 1000);
}

function usualWords(line: StepperLine): string {
  if (line.usual === null) return '';
  const { p50_ms, p95_ms, attempts } = line.usual;
  if (attempts < FEW) return line.state === 'done' ? '' : `took ${amount(p50_ms)} before`;
  return `usually ${amount(p50_ms)}, 19 of 20 within ${amount(p95_ms)}`;
}

function stageLines(provision: Provision, state: StepperLine['state']): StageLine[] {
  const last = provision.stages.length - 1;
  return provision.stages.map(({ at, stage, detail }, index) => {
    const failed = stage === 'failed';
    // The VM may tell of its start before the provider says that it is made.
    const going = index === last && (state === 'current' || state === 'pending');
    const look = failed ? LOOKS.failed : going ? LOOKS.current : LOOKS.done;
    return { ...look, text: stageWords(stage, detail), at: Date.parse(at) };
  });
}

/** What is said aloud when it changes: the line that matters now. */
export function announcement(lines: readonly ConsoleLine[]): string {
  const line = lines.find((one) => one.state === 'failed') ?? lines.find((one) => one.state === 'current');
  if (!line) return lines.every((one) => one.state === 'done') ? 'All four steps are done.' : '';
  const stage = line.stages.at(-1);
  return `${line.text}: ${STATE_WORDS[line.state]}${stage ? `, ${stage.text}` : ''}`;
}

/** A VM that boots says nothing for a while, and one that does not reach this server looks the same. */
function silenceWords({ lines, stages }: Provision): string {
  const waiting = lines.some((line) => line.line === 'agent_handshake' && line.state === 'current');
  return waiting && stages.length === 0 ? 'It has not reported anything yet.' : '';
}

/** How it stands with the VM, and what it costs; none while there is nothing to say. */
export function vmWords(provision: Provision, nowMs: number): string | null {
  const { machine, failed } = provision;
  if (machine === null) return failed === null ? null : 'No VM is held for this node at the provider now.';
  const cost = machine.price === null ? '' : ` It costs ${priceWords(machine.price)}, until it is removed.`;
  const vm = `VM ${machine.name}`;
  if (machine.removal !== null)
    return `${vm} is being removed, as ${REMOVAL_WORDS[machine.removal.reason]}.${cost}`;
  if (failed === null) {
    const price = machine.price === null ? '' : `${vm} costs ${priceWords(machine.price)}.`;
    const words = [price, silenceWords(provision)].filter((part) => part !== '').join(' ');
    return words === '' ? null : words;
  }
  if (failed.kept_until === null) return `${vm} may still exist; it is looked for and removed.${cost}`;
  const until = Date.parse(failed.kept_until);
  const when = until > nowMs ? `until ${clock(until)}` : 'a moment longer';
  return `${vm} is kept ${when}: if its agent still calls, the node comes online after all; else the VM is removed.${cost}`;
}
