// A command as people write it in a shell, split into the words that Docker takes. No shell runs: nothing is expanded. Pure.
import type { Verdict } from '../words/rules';

export interface CommandWords {
  words: string[];
  error: Verdict;
  /** Whether something in it means more to a shell than it will mean here. */
  wantsShell: boolean;
}

const OPERATORS = '|&;<>$`*?~';
/** What a backslash escapes between double quotes; elsewhere there it stays. */
const ESCAPED_IN_DOUBLE = '"\\$`';

/** Splits a text into words: spaces part them, quotes and backslashes hold them together, as in a POSIX shell. */
export function readCommand(text: string): CommandWords {
  const reader = new Reader(text);
  const error = reader.read();
  return { words: error === null ? reader.words : [], error, wantsShell: reader.wantsShell };
}

class Reader {
  readonly words: string[] = [];
  wantsShell = false;
  #at = 0;
  // None between words; an empty text is a word once a quote was opened.
  #word: string | null = null;

  constructor(readonly text: string) {}

  read(): Verdict {
    while (this.#at < this.text.length) {
      const error = this.#step(this.text.charAt(this.#at++));
      if (error !== null) return error;
    }
    this.#close();
    return null;
  }

  #step(char: string): Verdict {
    if (char === "'") return this.#single();
    if (char === '"') return this.#double();
    if (char === '\\') return this.#escape();
    if (char === '\0') return 'A command can’t hold a NUL character.';
    if (/\s/.test(char)) this.#close();
    else {
      this.wantsShell ||= OPERATORS.includes(char);
      this.#put(char);
    }
    return null;
  }

  #single(): Verdict {
    const end = this.text.indexOf("'", this.#at);
    if (end < 0) return 'A single quote is opened and not closed.';
    this.#put(this.text.slice(this.#at, end));
    this.#at = end + 1;
    return null;
  }

  #double(): Verdict {
    this.#put('');
    while (this.#at < this.text.length) {
      const char = this.text.charAt(this.#at++);
      if (char === '"') return null;
      if (char === '\\' && ESCAPED_IN_DOUBLE.includes(this.text.charAt(this.#at) || ' ')) {
        this.#put(this.text.charAt(this.#at++));
      } else {
        this.wantsShell ||= char === '$' || char === '`';
        this.#put(char);
      }
    }
    return 'A double quote is opened and not closed.';
  }

  #escape(): Verdict {
    if (this.#at >= this.text.length) return 'It ends with a backslash that escapes nothing.';
    const char = this.text.charAt(this.#at++);
    // A line that goes on in the next one.
    if (char !== '\n') this.#put(char);
    return null;
  }

  #put(text: string): void {
    this.#word = (this.#word ?? '') + text;
  }

  #close(): void {
    if (this.#word !== null) this.words.push(this.#word);
    this.#word = null;
  }
}

/** Writes words as {@link readCommand} reads them. */
export function writeCommand(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
