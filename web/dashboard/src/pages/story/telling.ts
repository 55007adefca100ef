// A node's story in words: gaps, usual times, what to do next, how to read its slice. Pure.
import type { NodeStory, StoryLine } from '../../api/types';
import { amount } from '../../format/time';
import type { NameOf } from '../../words/events';

export interface Look {
  glyph: string;
  tone: 'ok' | 'warn' | 'bad' | 'idle';
}

const LOOKS: Readonly<Record<StoryLine['tone'], Look>> = {
  plain: { glyph: '·', tone: 'idle' },
  good: { glyph: '✓', tone: 'ok' },
  warning: { glyph: '!', tone: 'warn' },
  failure: { glyph: '✗', tone: 'bad' },
};

export const look = (line: StoryLine): Look => LOOKS[line.tone];

/** `+41 s`: how long after the line before; nothing for the first, and for what came at once. */
export function gap({ gap_ms: ms }: StoryLine): string {
  return ms === null || ms === 0 ? '' : `+${amount(ms)}`;
}

/** `took 41 s, usually 12 s`; nothing where the line ended no step. */
export function took({ took: step, usual }: StoryLine): string {
  if (!step) return '';
  return usual ? `took ${amount(step.ms)}, usually ${amount(usual.p50_ms)}` : `took ${amount(step.ms)}`;
}

/** Whether it took so long that somebody should look at it: longer than 95 of 100 do. */
export function isSlow({ took: step, usual }: StoryLine): boolean {
  return step !== null && usual !== null && step.ms > usual.p95_ms;
}

/** Who caused it: by name where it is known here, else as the server says it. */
export function by(line: Pick<StoryLine, 'actor' | 'who'>, nameOf: NameOf): string {
  const name = nameOf(line.actor);
  return name === line.actor ? line.who : name;
}

export interface Day {
  /** Local date, as a key and a heading. */
  date: string;
  lines: StoryLine[];
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });

/** The lines by the day on which they happened. */
export function days(lines: readonly StoryLine[]): Day[] {
  const all: Day[] = [];
  for (const line of lines) {
    const date = DATE.format(Date.parse(line.at));
    const last = all.at(-1);
    if (last?.date === date) last.lines.push(line);
    else all.push({ date, lines: [line] });
  }
  return all;
}

/** What the page is called: a question while something failed, else a plain name. */
export function title(story: Pick<NodeStory, 'failure' | 'failed'>, name: string): string {
  return story.failure !== null || story.failed !== null ? `Why did ${name} fail?` : `The story of ${name}`;
}

/** The command that reads a node's slice, which the server names by the node's id. */
export function sliceCommand(id: string): string {
  return `spunto-replay story ${id} --file ${id}.slice`;
}
