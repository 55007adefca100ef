// The walk of spunto-replay at a failure, in a real terminal of 80 × 24, as a picture.
import { REPLAY } from './replay.mjs';
import { page as window, terminal } from './terminal.mjs';
import { until } from './tour.mjs';

/** Walks to the first failure and takes its picture. The key goes by the environment, never into an argument. */
export async function picture(browser, { url, org, key }, path) {
  const socket = `spunto-picture-${process.pid}`;
  const shown = await terminal(socket, REPLAY, ['--url', url, '--org', org, 'step'], { SPUNTO_API_KEY: key });
  try {
    await until('the walk', async () => (await shown.text()).includes('q quit'));
    await shown.press('f');
    await until('the failure', async () => (await shown.text()).includes('status.class'));
    const page = await browser.newPage({ viewport: { width: 900, height: 640 }, deviceScaleFactor: 1 });
    await page.setContent(window(await shown.coloured(), 'spunto-replay step'));
    await page.locator('.window').screenshot({ path, omitBackground: true });
    await page.close();
  } finally {
    await shown.end();
  }
}
