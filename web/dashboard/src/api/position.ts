// Positions of the log, as core/src/record.rs writes them: `incarnation.shard.seq`. The one place that looks inside of them,
// because the API reads events forwards only, and a feed is read backwards.

/** The sequence number of a position; 0 where it is none. */
export function seqOf(position: string): number {
  const seq = Number(position.slice(position.lastIndexOf('.') + 1));
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}

/** The position of another event of the same log; none while the log is not known. */
export function positionAt(known: string | null, seq: number): string | undefined {
  if (known === null || !/^[^.]+\.\d+\.\d+$/.test(known)) return undefined;
  return `${known.slice(0, known.lastIndexOf('.'))}.${Math.max(0, Math.floor(seq))}`;
}
