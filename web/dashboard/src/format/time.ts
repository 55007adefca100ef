// Times and durations in words. Pure: now always comes from outside.

const STEPS: readonly (readonly [number, string])[] = [
  [365 * 86_400, 'y'],
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** A duration by its largest unit: `3 min`. Below a second, `0 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of STEPS) if (whole >= size) return `${Math.floor(whole / size)} ${unit}`;
  return '0 s';
}

/** A duration by its two largest units: `3 d 4 h`. */
export function longDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const at = STEPS.findIndex(([size]) => whole >= size);
  const first = STEPS[at];
  if (!first) return '0 s';
  const second = STEPS[at + 1];
  const rest = second ? Math.floor((whole % first[0]) / second[0]) : 0;
  const start = `${Math.floor(whole / first[0])} ${first[1]}`;
  return second && rest > 0 ? `${start} ${rest} ${second[1]}` : start;
}

/** What something took: below a second in milliseconds, below ten seconds with a tenth, else by the two largest units. */
export function amount(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : longDuration(ms / 1_000);
}

/** How long ago: `just now`, `12 s ago`, `3 min ago`; `in 3 d` for what is to come. */
export function ago(thenMs: number, nowMs: number): string {
  const seconds = (nowMs - thenMs) / 1000;
  if (seconds <= -1.5) return `in ${duration(-seconds)}`;
  return seconds < 2 ? 'just now' : `${duration(seconds)} ago`;
}

const EXACT = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** The exact local time, for a hover. */
export function exact(ms: number): string {
  return EXACT.format(ms);
}

/** Time of day: `14:02:11`. */
export function clock(ms: number): string {
  return CLOCK.format(ms);
}
