// A process's clock that can be put forward: waiting as long as a server does, without doing so. By libfaketime, so that the server
// is the one for use, with the deadlines that it really has.
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PLACE = 'faketime/libfaketimeMT.so.1';
const DIRECTORIES = ['/usr/lib', '/usr/local/lib', ...readdirSync('/usr/lib').map((name) => join('/usr/lib', name))];

export class Clock {
  constructor(directory) {
    this.file = join(directory, 'clock');
    this.ahead = 0;
    this.pass(0);
  }

  /** What a process is started with to go by this clock. */
  env() {
    const library = DIRECTORIES.map((directory) => join(directory, PLACE)).find(existsSync);
    if (!library) throw new Error('libfaketime is not installed: make browser');
    return { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: this.file, FAKETIME_NO_CACHE: '1' };
  }

  /** So many minutes pass, at once; a process that sleeps finds out when it is woken by something else. */
  pass(minutes) {
    this.ahead += minutes;
    // Whole or not at all: it is read at any time.
    writeFileSync(`${this.file}.draft`, `+${this.ahead}m\n`);
    renameSync(`${this.file}.draft`, this.file);
  }
}
