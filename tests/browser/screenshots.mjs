// Pictures of every page, light, dark and as on a phone, and of the walk in the terminal, into target/screenshots (or the directory
// that is named).
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, open } from './src/browser.mjs';
import { Clouds } from './src/cloud.mjs';
import { gateway, removeNode } from './src/engine.mjs';
import { REPOSITORY, Server } from './src/server.mjs';
import { OWNER, api } from './src/stage.mjs';
import { populate } from './src/tour.mjs';
import { picture } from './src/walk.mjs';

const into = process.argv[2] ?? join(REPOSITORY, 'target/screenshots');
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { look: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { look: 'phone', colorScheme: 'dark', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
];
/** Two rounds of gauges and some lines of output. */
const LIVE_MS = 11_000;

mkdirSync(into, { recursive: true });
const clouds = await Clouds.start();
await clouds.trouble('hetzner', 'quota');
const server = await Server.fresh({ host: await gateway(), flags: clouds.flags });
const nodes = [];
const browser = await launch();
try {
  const owner = await open(browser, { url: server.url });
  for (const { look, ...options } of LOOKS) {
    const page = await open(browser, { url: server.url, ...options });
    await page.goto(await server.link());
    await page.locator('form').waitFor();
    await page.screenshot({ path: join(into, `setup-${look}.png`) });
  }
  const headers = { 'X-Spunto-Csrf': '1' };
  const token = (await server.link()).split('#')[1];
  await owner.request.post('/api/setup', { data: { ...OWNER, token }, headers });
  owner.org = (await (await owner.request.get('/api/orgs')).json()).items[0].id;
  for (const { look, ...options } of LOOKS) {
    const page = await open(browser, { url: server.url, ...options });
    await page.context().addCookies(await owner.context().cookies());
    await page.goto(`/orgs/${owner.org}/nodes`);
    await page.locator('h1').waitFor();
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(into, `nodes-empty-${look}.png`) });
  }
  const stage = { clouds, adopt: (container, node) => nodes.push({ container, node }) };
  const pages = await populate(stage, owner);
  const { key, secret } = await api(owner, 'POST', '/keys', { name: 'replay', scopes: ['events:read'], owner: 'org' });
  await picture(browser, { url: server.url, org: owner.org, key: secret }, join(into, 'replay-step.png'));
  await api(owner, 'DELETE', `/keys/${key.id}`);
  await owner.waitForTimeout(LIVE_MS);
  for (const { look, ...options } of LOOKS) {
    const page = await open(browser, { url: server.url, ...options });
    await page.goto('/sign-in');
    await page.locator('form').waitFor();
    await page.screenshot({ path: join(into, `sign-in-${look}.png`) });
    await page.context().addCookies(await owner.context().cookies());
    for (const { name, path } of pages) {
      await page.goto(path);
      await page.locator('h1').waitFor();
      await page.waitForTimeout(1_200);
      await page.screenshot({ path: join(into, `${name}-${look}.png`) });
    }
  }
  console.log(`pictures are in ${into}`);
} finally {
  await browser.close();
  for (const { container, node } of nodes) await removeNode(container, node());
  await server.end();
  await clouds.end();
}
