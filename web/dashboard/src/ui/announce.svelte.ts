// What is said without being asked: short messages that are seen for a while and read out once.

export type Tone = 'ok' | 'bad' | 'info';

export interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

/** How long a message is seen, in milliseconds. A failure stays until it is closed. */
const SEEN_MS = 6_000;
/** Most messages seen at once; the oldest give way. */
const TOASTS_MAX = 4;

class Announcer {
  toasts = $state.raw<Toast[]>([]);
  /** Read out politely, not seen. */
  spoken = $state('');
  #next = 0;

  /** Shows and reads out. */
  toast(text: string, tone: Tone = 'ok'): void {
    const id = this.#next++;
    this.toasts = [...this.toasts, { id, text, tone }].slice(-TOASTS_MAX);
    if (tone !== 'bad') setTimeout(() => this.dismiss(id), SEEN_MS);
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }

  /** Reads out only: for what is seen elsewhere on the page. */
  say(text: string): void {
    this.spoken = '';
    queueMicrotask(() => (this.spoken = text));
  }
}

export const announcer = new Announcer();
