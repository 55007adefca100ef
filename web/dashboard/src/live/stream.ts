// One organisation's stream: connects, resumes from where it was, and says how it stands. Knows nothing of tabs.
import type { Connection, EndReason, LiveChanges } from './contract';
import { FrameParser } from './sse';

/** First wait before another attempt, in milliseconds; doubled with each up to {@link RETRY_MAX_MS}. */
export const RETRY_FIRST_MS = 250;
export const RETRY_MAX_MS = 5_000;
/** A stream that says nothing for so long is dead: the server speaks every 15 s. */
export const SILENCE_MAX_MS = 40_000;

export interface StreamEvents {
  changes(changes: LiveChanges): void;
  connection(connection: Connection): void;
}

type Ended = 'again' | EndReason;

/** Keeps a stream open until {@link OrgStream.close}. */
export class OrgStream {
  #position: string | null = null;
  #closed = new AbortController();
  #attempt = 0;
  #lostAt: number | null = null;
  #wake: (() => void) | null = null;
  /** Whether a snapshot came to its end, so that the position says what is known. */
  #whole = false;
  #live = false;

  constructor(
    readonly org: string,
    readonly tell: StreamEvents,
    readonly get: typeof fetch = (...request) => fetch(...request),
  ) {
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
    this.#wake?.();
  }

  /** Don't wait for the next attempt. */
  retry(): void {
    this.#wake?.();
  }

  async #run(): Promise<void> {
    this.tell.connection({ state: 'connecting' });
    while (!this.#closed.signal.aborted) {
      const ended = await this.#connect();
      if (this.#closed.signal.aborted) return;
      if (ended !== 'again') {
        this.#closed.abort();
        this.tell.connection({ state: 'ended', reason: ended });
        return;
      }
      this.#lostAt ??= Date.now();
      this.#live = false;
      this.tell.connection({ state: 'reconnecting', since: this.#lostAt });
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    const longest = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    // Many browsers lose the same server at once; they should not all come back in the same instant.
    const wait = longest * (0.5 + Math.random() / 2);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  async #connect(): Promise<Ended> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.#closed.signal.addEventListener('abort', stop);
    let silence = setTimeout(stop, SILENCE_MAX_MS);
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (this.#position !== null && this.#whole) headers['Last-Event-ID'] = this.#position;
      const path = `/api/orgs/${encodeURIComponent(this.org)}/live`;
      const answer = await this.get(path, { headers, signal: attempt.signal, cache: 'no-store' });
      if (answer.status === 401) return 'signed_out';
      if (answer.status === 403 || answer.status === 404) return 'not_found';
      if (!answer.ok || !answer.body) return 'again';
      // Resumed: what was missed comes at once, and a quiet log says nothing for a while.
      if (headers['Last-Event-ID'] !== undefined) this.#settled();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new FrameParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 'again';
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MAX_MS);
        for (const frame of parser.push(value)) this.#take(frame.id, frame.event, frame.data);
      }
    } catch {
      // Network, silence, or a frame that can't be read: all of them are mended by connecting again.
      return 'again';
    } finally {
      clearTimeout(silence);
      this.#closed.signal.removeEventListener('abort', stop);
      attempt.abort();
    }
  }

  #take(id: string | null, event: string, data: string): void {
    if (event === 'changes' && data !== '') {
      const changes = JSON.parse(data) as LiveChanges;
      this.tell.changes(changes);
      if (changes.reset) this.#whole = false;
      if (changes.complete) this.#settled();
    }
    // Only after it was delivered, and never in the middle of a snapshot: resuming from there would leave out its rest.
    if (id !== null && id !== '' && this.#whole) this.#position = id;
  }

  /** What is known is whole and up to date. */
  #settled(): void {
    this.#whole = true;
    this.#lostAt = null;
    this.#attempt = 0;
    if (!this.#live) this.tell.connection({ state: 'live' });
    this.#live = true;
  }
}
