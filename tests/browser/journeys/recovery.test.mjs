// The server goes away in the middle of a view: the page says so, comes back by itself, and shows what it missed.
import assert from 'node:assert/strict';
import { api, see, stage } from '../src/stage.mjs';

const it = stage();

it.journey('a page recovers from a restart of the server and shows what it missed', async () => {
  const page = await it.owner();
  const { node } = await api(page, 'POST', '/nodes', { name: 'before' });
  await page.goto(`/orgs/${page.org}/nodes/${node.id}`);
  await page.getByRole('heading', { level: 1, name: 'before' }).waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  await it.server.kill();
  await see(page, /Reconnecting/);
  await it.server.start();
  // At once, before the page has noticed that the server is back.
  await api(page, 'PATCH', `/nodes/${node.id}`, { name: 'after' });
  await api(page, 'POST', '/nodes', { name: 'second' });
  await page.getByRole('heading', { level: 1, name: 'after' }).waitFor();
  await page.getByText(/Reconnecting/).first().waitFor({ state: 'detached' });
  await see(page, 'Renamed to after');
  await page.getByRole('link', { name: 'Nodes', exact: true }).first().click();
  await see(page, 'second');
  assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page was not loaded anew');
});

it.journey('a page that is asked for while the server is away comes when it is back', async () => {
  const page = await it.owner();
  await page.goto(`/orgs/${page.org}/nodes`);
  await see(page, 'second');
  await it.server.kill();
  await see(page, /Reconnecting/);
  await page.getByRole('link', { name: 'Settings', exact: true }).first().click();
  await page.waitForRequest((request) => request.method() === 'HEAD');
  await see(page, 'second');
  await it.server.start();
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
});

it.journey('a dashboard of which a file does not come says what to do', async () => {
  const page = await it.owner();
  await page.route(/\/assets\/.*\.js$/, (route) => route.abort());
  await page.goto('/');
  await see(page, 'please reload this page');
  await page.unroute(/\/assets\/.*\.js$/);
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Nodes', exact: true }).waitFor();
  await page.getByText('please reload this page').waitFor({ state: 'detached' });
});

it.journey('many tabs share one stream', async () => {
  // A browser opens at most six connections to a server of HTTP/1.1: with a stream a tab, the seventh would show nothing.
  const first = await it.owner();
  const tabs = [first];
  while (tabs.length < 9) tabs.push(Object.assign(await first.context().newPage(), { org: first.org }));
  await Promise.all(tabs.map((tab) => tab.goto(`/orgs/${first.org}/nodes`)));
  await Promise.all(tabs.map((tab) => see(tab, 'second')));
  await api(first, 'POST', '/nodes', { name: 'seen-by-all' });
  await Promise.all(tabs.map((tab) => see(tab, 'seen-by-all')));
  await first.close();
  await api(tabs[1], 'POST', '/nodes', { name: 'seen-by-the-rest' });
  await Promise.all(tabs.slice(1).map((tab) => see(tab, 'seen-by-the-rest')));
});

it.journey('a session that ends leads to signing in, and back', async () => {
  const page = await it.owner();
  await page.goto(`/orgs/${page.org}/events`);
  await page.locator('h1').waitFor();
  const other = await it.owner();
  const changed = await other.request.post('/api/session/password', {
    data: { current: 'correct horse battery', new: 'another horse battery' },
    headers: { 'X-Spunto-Csrf': '1' },
  });
  assert.ok(changed.ok(), await changed.text());
  await page.waitForURL(/\/sign-in\?then=.*events/);
});
