// Reads an output and keeps its last lines: opened, followed, stopped, resumed. Knows neither workers nor services.
import { wordsOf } from '../api/problem';
import { LogBuffer, type Block } from './buffer';
import type { Piece } from './ansi';

/** Opens the output: its last `lines`, and what comes. */
export type Open = (lines: number, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

/** `ended`: the container stopped, or its agent let go. */
export type TailState = 'idle' | 'opening' | 'following' | 'stopped' | 'ended' | 'failed';

/** Characters read before the screen is drawn: whoever sends more waits, instead of this page. */
const READ_AHEAD_CHARS = 256 * 1024;
/** A hidden tab draws no frames; it goes on so often, in milliseconds. */
const HIDDEN_MS = 500;

export class LogTail {
  state = $state<TailState>('idle');
  failure = $state<string | null>(null);
  blocks = $state.raw<readonly Block[]>([]);
  unfinished = $state.raw<readonly Piece[]>([]);
  lines = $state(0);
  cut = $state(false);

  #running: AbortController | null = null;

  /** Starts over with the last lines. What was shown stays until the first new output is there, so that nothing flickers. */
  start(open: Open, lines: number): void {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.failure = null;
    this.state = 'opening';
    void this.#run(open, lines, running.signal);
  }

  /** Lets go of the output; what is shown stays. */
  stop(): void {
    if (this.state === 'opening' || this.state === 'following') this.state = 'stopped';
    this.#running?.abort();
    this.#running = null;
  }

  async #run(open: Open, lines: number, signal: AbortSignal): Promise<void> {
    const buffer = new LogBuffer();
    try {
      const stream = await open(lines, signal);
      if (signal.aborted) return;
      this.state = 'following';
      await this.#read(stream, buffer, signal);
      if (!signal.aborted) this.state = 'ended';
    } catch (failure) {
      if (signal.aborted) return;
      this.failure =
        this.state === 'following'
          ? 'The connection broke; what came meanwhile is not lost.'
          : wordsOf(failure);
      this.state = 'failed';
    }
  }

  async #read(stream: ReadableStream<Uint8Array>, buffer: LogBuffer, signal: AbortSignal): Promise<void> {
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    let ahead = 0;
    const draw = () => {
      due = null;
      ahead = 0;
      if (!signal.aborted) this.#show(buffer);
    };
    // A quiet output replaces what was shown before, too.
    let due: Promise<void> | null = nextFrame().then(draw);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const text = decoder.decode(value, { stream: true });
      buffer.push(text);
      ahead += text.length;
      due ??= nextFrame().then(draw);
      if (ahead > READ_AHEAD_CHARS) await due;
    }
    draw();
  }

  #show(buffer: LogBuffer): void {
    this.blocks = buffer.blocks;
    this.unfinished = buffer.unfinished();
    this.lines = buffer.lines;
    this.cut = buffer.cut;
  }
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, HIDDEN_MS);
    const frame = requestAnimationFrame(done);
    function done() {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      resolve();
    }
  });
}
