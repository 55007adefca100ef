// Positions of the log are opaque, but for the order of two of the same log. The one place that looks inside of them:
// core/src/record.rs writes them as `incarnation.shard.seq`.

/** Compares two positions of one log, for sorting: the newer one comes first. */
export function newerFirst(one: string, other: string): number {
  return sequence(other) - sequence(one);
}

function sequence(position: string): number {
  return Number(position.slice(position.lastIndexOf('.') + 1));
}
