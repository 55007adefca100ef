// spunto-replay as a person runs it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './server.mjs';

const run = promisify(execFile);
export const REPLAY = process.env.SPUNTO_REPLAY_BINARY ?? join(REPOSITORY, 'target/debug/spunto-replay');

/** Asks about a running server, with a key in the environment; its answer, read as JSON. */
export async function askServer({ url, org, key }, ...words) {
  const { stdout } = await run(REPLAY, ['--url', url, '--org', org, '--json', ...words], { env: { ...process.env, SPUNTO_API_KEY: key } });
  return JSON.parse(stdout);
}

/** Asks an exported file by the words of a shown command; its answer, read as JSON. */
export async function askFile(words) {
  const { stdout } = await run(REPLAY, [...words, '--json']);
  return JSON.parse(stdout);
}
