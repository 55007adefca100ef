// Copying text, also on plain http, where browsers offer no clipboard API.

/** Copies text; `near` is where a helper element may be put, so that it works inside a modal dialog. */
export async function copyText(text: string, near: Element): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed, or the page has no focus: the old way may still do.
    }
  }
  return copyBySelection(text, near);
}

function copyBySelection(text: string, near: Element): boolean {
  const focused = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden-text';
  area.setAttribute('aria-hidden', 'true');
  (near.parentElement ?? document.body).append(area);
  area.select();
  let done: boolean;
  try {
    // Deprecated, and the only way without a secure origin.
    done = document.execCommand('copy');
  } catch {
    done = false;
  }
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}
