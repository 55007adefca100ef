// The path of a sparkline. Pure.

/** Values of 0 to 100, oldest first, as a path that fills the width. */
export function sparkPath(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return '';
  const step = width / (values.length - 1);
  const y = (value: number) => round(height - 1 - (Math.max(0, Math.min(100, value)) / 100) * (height - 2));
  return values
    .map((value, index) => `${index === 0 ? 'M' : 'L'}${round(index * step)} ${y(value)}`)
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
