// Server-sent events from a byte stream. A fetch is used instead of EventSource because it tells the status of a refusal,
// can send Last-Event-ID, and lets silence be noticed (EventSource hides the comments that keep a stream alive).

export interface Frame {
  id: string | null;
  event: string;
  data: string;
}

/** Longest frame that is taken, in characters; a longer one ends the stream. */
export const FRAME_CHARS_MAX = 32 * 1024 * 1024;

/** Cuts text into frames, however it arrives. */
export class FrameParser {
  #rest = '';

  /** Takes more text; returns the frames that are complete with it. */
  push(text: string): Frame[] {
    this.#rest += text;
    if (this.#rest.length > FRAME_CHARS_MAX) throw new Error('a frame of the live stream is too long');
    const frames: Frame[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (!end) return frames;
      const block = this.#rest.slice(0, end.index);
      this.#rest = this.#rest.slice(end.index + end[0].length);
      const frame = parseBlock(block);
      if (frame) frames.push(frame);
    }
  }
}

function parseBlock(block: string): Frame | null {
  let id: string | null = null;
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    else if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return id === null && data.length === 0 ? null : { id, event, data: data.join('\n') };
}
