// The walk of spunto-replay at a failure, in a real terminal of 80 × 24, as a picture.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './server.mjs';
import { page as window, terminal } from './terminal.mjs';
import { until } from './tour.mjs';

const run = promisify(execFile);
const REPLAY = process.env.SPUNTO_REPLAY_BINARY ?? join(REPOSITORY, 'target/debug/spunto-replay');

/** Asks spunto-replay about a running server; its answer, read as JSON. `of` is the server's address, the organisation and an API key. */
export async function replay({ url, org, key }, ...words) {
  const { stdout } = await run(REPLAY, ['--url', url, '--org', org, '--json', ...words], { env: { ...process.env, SPUNTO_API_KEY: key } });
  return JSON.parse(stdout);
}

/** Walks to the first failure and takes its picture. The key goes by the environment, never into an argument. */
export async function picture(browser, { url, org, key }, path) {
  const socket = `spunto-picture-${process.pid}`;
  const shown = await terminal(socket, REPLAY, ['--url', url, '--org', org, 'step'], { SPUNTO_API_KEY: key });
  try {
    await until('the walk', async () => (await shown.text()).includes('q quit'));
    await shown.press('f');
    await until('the failure', async () => (await shown.text()).includes('status.class'));
    const page = await browser.newPage({ viewport: { width: 900, height: 640 }, deviceScaleFactor: 1.5 });
    await page.setContent(window(await shown.coloured(), 'spunto-replay step'));
    await page.locator('.window').screenshot({ path });
    await page.close();
  } finally {
    await shown.end();
  }
}
