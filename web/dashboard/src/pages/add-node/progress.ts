// How far a node is on its way to being online, as the lines of a terminal. Pure.
import type { Node } from '../../api/types';
import { REFUSAL_WORDS } from '../../words/status';

/** After how long without contact help is offered, in milliseconds. */
export const HELP_AFTER_MS = 30_000;

export interface Line {
  key: string;
  glyph: '✓' | '▸' | '·' | '✗' | '●';
  tone: 'ok' | 'busy' | 'bad' | 'idle';
  text: string;
  /** When it happened, in milliseconds since 1970; none for what has not yet. */
  at: number | null;
}

export type Stage = 'waiting' | 'online' | 'gone';

export function stage(node: Node | undefined): Stage {
  if (!node) return 'gone';
  return node.status.state === 'online' ? 'online' : 'waiting';
}

/** The lines: node or token made, refused attempts as they come, the agent's connection, online. */
export function lines(node: Node): Line[] {
  const issued = Date.parse(node.token.issued_at);
  const { version } = node.token;
  const start = version === 1 ? `node ${node.name} created` : `token rotated, now version ${version}`;
  const all: Line[] = [{ key: 'start', glyph: '✓', tone: 'ok', text: start, at: issued }];
  // Attempts from before this token say nothing about it.
  const since = node.connection_refusals.filter((refused) => Date.parse(refused.at) >= issued);
  for (const refused of since.sort((a, b) => (a.at < b.at ? -1 : 1))) {
    const times = refused.count > 1 ? ` (${refused.count} attempts)` : '';
    all.push({
      key: `${refused.reason} ${refused.address}`,
      glyph: '✗',
      tone: 'bad',
      text: `refused: ${REFUSAL_WORDS[refused.reason]}, from ${refused.address}${times}`,
      at: Date.parse(refused.at),
    });
  }
  if (node.status.state === 'online') {
    const at = Date.parse(node.status.since);
    const from = node.agent ? ` from ${node.agent.address}, version ${node.agent.version}` : '';
    all.push({ key: 'agent', glyph: '✓', tone: 'ok', text: `agent connected${from}`, at });
    all.push({ key: 'online', glyph: '●', tone: 'ok', text: 'node online', at });
  } else {
    all.push({ key: 'agent', glyph: '▸', tone: 'busy', text: 'waiting for agent…', at: null });
    all.push({ key: 'online', glyph: '·', tone: 'idle', text: 'node online', at: null });
  }
  return all;
}

/** For how long nobody was heard, in milliseconds: since the token was made or the last refused attempt. */
export function silentFor(node: Node, nowMs: number): number {
  const heard = node.connection_refusals.map((refused) => Date.parse(refused.at));
  return nowMs - Math.max(Date.parse(node.token.issued_at), ...heard);
}
