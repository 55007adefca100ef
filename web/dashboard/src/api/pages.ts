// Lists come in pages; what a page of the dashboard shows whole is read to the end, within a limit.

/** Most pages read for one list; beyond it the list is cut, and says so. */
export const PAGES_MAX = 20;

export interface ListPage<T> {
  items: T[];
  next: string | null;
}

export interface WholeList<T> {
  items: T[];
  /** Whether there was more than is worth reading. */
  cut: boolean;
}

/** Reads a list page by page. */
export async function readAll<T>(
  read: (cursor: string | undefined) => Promise<ListPage<T>>,
): Promise<WholeList<T>> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items: more, next } = await read(cursor);
    items.push(...more);
    if (next === null) return { items, cut: false };
    cursor = next;
  }
  return { items, cut: true };
}
