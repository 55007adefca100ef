// Which rows of a long list are worth drawing. Pure.

/** Lists up to this length are drawn whole. */
export const DRAWN_WHOLE_MAX = 100;
/** Rows drawn beyond either edge of what is seen, so that scrolling and Tab find something. */
export const OVERSCAN = 6;

export interface Slice {
  start: number;
  end: number;
}

/**
 * The rows to draw.
 *
 * @param top where the list's first row is, in pixels below the upper edge of what is seen (negative: above it)
 */
export function visible(total: number, rowHeight: number, top: number, seenHeight: number): Slice {
  if (total <= DRAWN_WHOLE_MAX || rowHeight <= 0) return { start: 0, end: total };
  const rows = Math.ceil(seenHeight / rowHeight) + 2 * OVERSCAN;
  const first = Math.floor(-top / rowHeight) - OVERSCAN;
  const start = Math.max(0, Math.min(first, total - rows));
  return { start, end: Math.min(total, start + rows) };
}
