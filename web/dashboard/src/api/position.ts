// Positions of the log are opaque, but for the order of two of the same log. The one place that looks inside of them:
// core/src/record.rs writes them as `incarnation.shard.seq`.

/** Compares two positions of one log, for sorting: the newer one comes first. */
export function newerFirst(one: string, other: string): number {
  return sequence(other) - sequence(one);
}

/** Whether a text is a position, and not a time. */
export function isPosition(text: string): boolean {
  return /^[^.:\s]+\.\d+\.\d+$/.test(text);
}

/** The event's number in its log, as spunto-replay writes it behind a `#`. */
export function sequence(position: string): number {
  return Number(position.slice(position.lastIndexOf('.') + 1));
}
