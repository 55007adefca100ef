// The last lines of an output, in blocks: what is drawn changes by one block at a time, and old blocks go whole. Pure.
import { AnsiReader, type Piece } from './ansi';

/** Lines kept; up to a block more stay until a whole block can go. */
export const LINES_MAX = 10_000;
export const BLOCK_LINES = 200;
/** A longer line is cut: no output may fill the memory with one line. */
export const LINE_CHARS_MAX = 8_192;

/** Some lines that follow each other; replaced, never changed. */
export interface Block {
  id: number;
  lines: number;
  pieces: readonly Piece[];
}

export class LogBuffer {
  /** Oldest first. */
  blocks: readonly Block[] = [];
  /** Lines kept now. */
  lines = 0;
  /** Whether older lines were let go. */
  cut = false;

  #reader = new AnsiReader();
  #rest = '';
  #next = 0;

  /** Takes in what came, wherever it was cut. */
  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-4 * LINE_CHARS_MAX);
    if (lines.length === 0) return;
    const blocks = [...this.blocks];
    for (let at = 0; at < lines.length;) {
      const last = blocks.at(-1);
      const open = last && last.lines < BLOCK_LINES ? last : null;
      const room = BLOCK_LINES - (open?.lines ?? 0);
      const grown = this.#grow(open, lines.slice(at, at + room));
      if (open) blocks[blocks.length - 1] = grown;
      else blocks.push(grown);
      at += room;
    }
    this.lines += lines.length;
    this.blocks = this.#trim(blocks);
  }

  /** The line that has not ended yet, as it stands. */
  unfinished(): Piece[] {
    return this.#rest === '' ? [] : this.#reader.fork().read(shown(this.#rest));
  }

  #grow(block: Block | null, lines: readonly string[]): Block {
    const pieces = [...(block?.pieces ?? [])];
    for (const line of lines) {
      for (const piece of this.#reader.read(shown(line))) join(pieces, piece);
      join(pieces, { text: '\n', look: pieces.at(-1)?.look ?? '' });
    }
    return { id: block?.id ?? this.#next++, lines: (block?.lines ?? 0) + lines.length, pieces };
  }

  #trim(blocks: Block[]): Block[] {
    let gone = 0;
    let first = blocks[0];
    while (first && this.lines - first.lines >= LINES_MAX) {
      this.lines -= first.lines;
      gone += 1;
      first = blocks[gone];
    }
    this.cut ||= gone > 0;
    return gone > 0 ? blocks.slice(gone) : blocks;
  }
}

/** What a terminal would leave of a line that returns to its start, and no more than fits. */
function shown(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  const last = text.slice(text.lastIndexOf('\r') + 1);
  return last.length > LINE_CHARS_MAX ? `${last.slice(0, LINE_CHARS_MAX)}…` : last;
}

function join(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (last && last.look === piece.look)
    pieces[pieces.length - 1] = { text: last.text + piece.text, look: last.look };
  else pieces.push(piece);
}
