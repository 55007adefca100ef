// Fake clouds in a process of their own, whose machines run for real: each with a network and a Docker Engine of its own.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY } from './server.mjs';

const BINARY = process.env.SPUNTO_FAKE_CLOUD ?? join(REPOSITORY, 'target/debug/spunto-fake-cloud');

export class Clouds {
  static async start() {
    const clouds = new Clouds();
    clouds.process = spawn(BINARY, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    clouds.exited = new Promise((resolve) => clouds.process.once('exit', resolve));
    const lines = createInterface({ input: clouds.process.stdout })[Symbol.asyncIterator]();
    clouds.hear = async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error('the fake clouds have ended');
      return JSON.parse(value);
    };
    const { bases, credentials, no_machines_because } = await clouds.hear();
    Object.assign(clouds, { credentials, missing: no_machines_because, flags: bases.map((base) => `--cloud-base=${base}`) });
    clouds.last = Promise.resolve();
    return clouds;
  }

  /** Has an order carried out; one after the other, as answers come in their order. */
  tell(what, rest = {}) {
    const answer = this.last.then(async () => {
      this.process.stdin.write(`${JSON.stringify({ do: what, ...rest })}\n`);
      const { ok, error } = await this.hear();
      if (error !== undefined) throw new Error(`${what}: ${error}`);
      return ok;
    });
    this.last = answer.catch(() => {});
    return answer;
  }

  /** From here on this goes wrong. */
  trouble(cloud, what) {
    return this.tell('trouble', { cloud, what });
  }

  /** What a command in a machine prints. */
  run(machine, ...words) {
    return this.tell('run', { machine, words });
  }

  async end() {
    this.process.stdin.end();
    await this.exited;
  }
}
