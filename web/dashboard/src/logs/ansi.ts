// Output with terminal control sequences as pieces of text: colours are kept as class names, everything else is taken out.
// What comes from a container is never more than text here. Pure.

export interface Piece {
  text: string;
  /** Class names from {@link COLOURS}, `bold` and `dim`; empty for plain text. */
  look: string;
}

/** The eight colours of a terminal; the bright ones are shown as the same. */
export const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

const ESC = 0x1b;
const BEL = 0x07;
const TAB = 0x09;

/** Reads line after line; a colour lasts until it is reset, beyond the end of its line as in a terminal. */
export class AnsiReader {
  #colour = '';
  #bold = false;
  #dim = false;

  /** The same state, to read ahead with. */
  fork(): AnsiReader {
    const copy = new AnsiReader();
    copy.#colour = this.#colour;
    copy.#bold = this.#bold;
    copy.#dim = this.#dim;
    return copy;
  }

  read(line: string): Piece[] {
    const pieces: Piece[] = [];
    let plain = 0;
    let at = 0;
    const flush = () => {
      if (at > plain) pieces.push({ text: line.slice(plain, at), look: this.#look() });
    };
    while (at < line.length) {
      const code = line.charCodeAt(at);
      if (!isControl(code)) {
        at += 1;
        continue;
      }
      flush();
      at = code === ESC ? this.#sequence(line, at + 1) : at + 1;
      plain = at;
    }
    flush();
    return pieces;
  }

  #look(): string {
    return [this.#colour, this.#bold ? 'bold' : '', this.#dim ? 'dim' : ''].filter(Boolean).join(' ');
  }

  /** Takes in a sequence after its escape character; returns where the text goes on. */
  #sequence(line: string, start: number): number {
    const kind = line.charAt(start);
    if (kind === '[') {
      let end = start + 1;
      while (end < line.length && !isFinal(line.charCodeAt(end))) end += 1;
      if (line.charAt(end) === 'm') this.#select(line.slice(start + 1, end));
      return end + 1;
    }
    // Titles, links and other strings go up to their terminator.
    if (']PX^_'.includes(kind) && kind !== '') return endOfString(line, start + 1);
    // A character set takes one more.
    return start + ('()*+'.includes(kind) && kind !== '' ? 2 : 1);
  }

  #select(parameters: string): void {
    const codes = parameters.split(/[;:]/).map((text) => (text === '' ? 0 : Number(text)));
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at] ?? 0;
      if (code === 38 || code === 48) {
        const palette = codes[at + 1] === 5;
        if (code === 38) this.#colour = palette ? paletteColour(codes[at + 2] ?? -1) : '';
        at += palette ? 2 : 4;
      } else this.#one(code);
    }
  }

  #one(code: number): void {
    if (code === 0) {
      this.#colour = '';
      this.#bold = false;
      this.#dim = false;
    } else if (code === 1) this.#bold = true;
    else if (code === 2) this.#dim = true;
    else if (code === 22) this.#bold = this.#dim = false;
    else if (code === 39) this.#colour = '';
    else if (code >= 30 && code <= 37) this.#colour = COLOURS[code - 30] ?? '';
    else if (code >= 90 && code <= 97) this.#colour = COLOURS[code - 90] ?? '';
  }
}

function paletteColour(index: number): string {
  return COLOURS[index >= 8 && index < 16 ? index - 8 : index] ?? '';
}

function isControl(code: number): boolean {
  return (code < 0x20 && code !== TAB) || (code >= 0x7f && code <= 0x9f);
}

function isFinal(code: number): boolean {
  return code >= 0x40 && code <= 0x7e;
}

function endOfString(line: string, start: number): number {
  for (let at = start; at < line.length; at += 1) {
    if (line.charCodeAt(at) === BEL) return at + 1;
    if (line.charCodeAt(at) === ESC) return at + 2;
  }
  return line.length;
}
