// A real server process with a data directory of its own: started, killed, started again on the same address.
import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Clock } from './clock.mjs';

const run = promisify(execFile);

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.SPUNTO_BINARY ?? join(REPOSITORY, 'target/debug/spunto');
export const AGENT_IMAGE = 'spunto-agent:local';
export const WORKER_IMAGE = 'spunto-busybox:local';

export class Server {
  /** Starts a fresh server; `host` is where it listens, on any free port; `clock` gives it a clock that can be put forward. */
  static async fresh({ host = '127.0.0.1', flags = [], clock = false } = {}) {
    const server = new Server();
    server.directory = mkdtempSync(join(tmpdir(), 'spunto-browser-'));
    server.data = join(server.directory, 'data');
    server.flags = flags;
    if (clock) server.clock = new Clock(server.directory);
    server.listen = `${host}:0`;
    await server.start();
    // The port stays when it is started again: agents and pages know no other.
    server.listen = server.url.replace('http://', '');
    return server;
  }

  async start() {
    const log = openSync(join(this.directory, 'server.log'), 'a');
    const words = ['serve', '--data-dir', this.data, '--listen', this.listen];
    words.push(`--agent-image=${AGENT_IMAGE}`, ...this.flags);
    const env = { ...process.env, ...this.clock?.env() };
    this.process = spawn(BINARY, words, { stdio: ['ignore', 'pipe', log], env });
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    const lines = createInterface({ input: this.process.stdout });
    await new Promise((resolve, reject) => {
      this.exited.then((code) => reject(new Error(`the server ended with ${code}: ${this.log()}`)));
      this.process.once('error', reject);
      lines.on('line', (line) => {
        if (line.startsWith('listening on ')) {
          this.url = line.slice('listening on '.length);
          resolve();
        } else if (line.startsWith('first owner: open ')) {
          this.setupLink = line.slice('first owner: open '.length);
          this.linkCame?.();
        }
      });
    });
  }

  /** The first owner's link, which a server without an owner prints right after its address. */
  async link() {
    if (!this.setupLink) await new Promise((resolve) => (this.linkCame = resolve));
    return this.setupLink;
  }

  /** What a command of the server's program prints on its machine. */
  async says(...words) {
    const { stdout } = await run(BINARY, words);
    return stdout;
  }

  /** Takes a backup, and goes on from it in another data directory, at the same address. */
  async restore() {
    const file = join(this.directory, 'server.backup');
    await this.says('backup', file, '--data-dir', this.data, '--listen', this.listen);
    await this.kill();
    const place = join(this.directory, 'restored');
    mkdirSync(place);
    copyFileSync(join(this.data, 'master.key'), join(place, 'master.key'));
    await this.says('restore', file, '--data-dir', place);
    this.data = place;
    await this.start();
  }

  log() {
    return readFileSync(join(this.directory, 'server.log'), 'utf8');
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  async end() {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
