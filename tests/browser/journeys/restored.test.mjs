// A server that goes on from a backup says on every page that it only observes, until its operator has confirmed the difference.
import assert from 'node:assert/strict';
import { api, see, stage } from '../src/stage.mjs';

const it = stage();

it.journey('a restored server says that it only observes, until it is confirmed', async () => {
  await it.owner().then((page) => api(page, 'POST', '/nodes', { name: 'from-before' }));
  await it.server.restore();
  const page = await it.owner();
  for (const place of ['nodes', 'projects', 'events', 'settings']) {
    await page.goto(`/orgs/${page.org}/${place}`);
    await page.getByRole('status').filter({ hasText: /restored from the backup of .* and only observes/ }).waitFor();
  }
  const flags = ['--data-dir', it.server.data, '--listen', it.server.listen];
  const difference = await it.server.says('restore-status', ...flags);
  const [, digest] = difference.match(/spunto confirm (\w+)/);
  await it.server.says('confirm', digest, ...flags);
  await page.goto(`/orgs/${page.org}/nodes`);
  await see(page, 'from-before');
  await page.getByText('only observes').waitFor({ state: 'detached' });
  assert.equal((await (await page.request.get('/api/installation')).json()).observing, false);
});
