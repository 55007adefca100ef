// Positions in the log, as the API writes them: `incarnation.shard.seq`. Opaque but for their order within one log.

/** The part that orders events of one log. */
export function sequence(position: string): number {
  return Number(position.slice(position.lastIndexOf('.') + 1));
}
