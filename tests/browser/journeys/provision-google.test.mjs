// What can go wrong at Google Cloud, which takes an order and says only in its operation that there is no room or no quota.
import assert from 'node:assert/strict';
import { api, see, stage, unique } from '../src/stage.mjs';
import { addCredential, choose, gone, left, lines, movedOn, order, removeFailed, retry, seeFailure, wish } from '../src/provision.mjs';
import { until } from '../src/tour.mjs';

const it = stage({ clouds: true, clock: true });

const QUOTA = { glyphs: '✓✗··', kind: 'quota used up', says: /^Quota 'CPUS' exceeded\. {1,2}Limit: 8\.0 in region us-central1\.$/ };
const NO_CAPACITY = {
  glyphs: '✓✗··',
  kind: 'no capacity',
  says: /^An e2-medium VM instance is currently unavailable in the us-central1-a zone\./,
};
const NOWHERE = { glyphs: '✓✗··', kind: 'not known there', says: /Unknown zone/ };
const DENIED = { glyphs: '✗···', kind: 'credential refused', says: /invalid authentication credentials/ };

/** How long a list may lag behind a call whose machine was never seen, and a little more, in minutes. */
const SETTLE = 1.1;

/** So long passes; any event wakes whoever sleeps through it. */
async function settle(page) {
  it.server.clock.pass(SETTLE);
  const event = () => api(page, 'POST', '/projects', { name: unique('later') });
  await until('an event', () => event().then(() => true, () => false));
}

async function another(page, name, otherwise = {}) {
  const credential = (await api(page, 'GET', '/credentials')).items[0].id;
  const { node } = await api(page, 'POST', '/nodes', { name, cloud: { ...wish('google', credential), ...otherwise } });
  await page.goto(`/orgs/${page.org}/nodes/${node.id}/provision`);
  return node.id;
}

/** Opens the form; the first time with a credential to add. */
async function form(page) {
  await choose(page, 'google');
  if ((await api(page, 'GET', '/credentials')).items.length > 0) return;
  await addCredential(page, 'google', it.clouds.credentials.google);
}

/** One is deleted as it failed, the other is retried to success, and goes with its disk. */
async function comeRight(page, node, second, again = () => retry(page)) {
  await page.goto(`/orgs/${page.org}/nodes/${second}/provision`);
  await removeFailed(page);
  await settle(page);
  await gone(page, second);
  await left(it, 0);
  await it.clouds.tell('heal');
  await page.goto(`/orgs/${page.org}/nodes/${node}/provision`);
  await again();
  await lines(page, '✓✓✓✓');
  await movedOn(page, node);
  await api(page, 'DELETE', `/nodes/${node}`);
  await gone(page, node);
  await left(it, 0);
}

for (const [what, trouble, failure] of [
  ['a quota that the operation tells of', 'quota', QUOTA],
  ['a zone that is full, as the operation tells', 'no_capacity', NO_CAPACITY],
]) {
  it.journey(what, async () => {
    const page = await it.owner();
    await form(page);
    const node = await order(page, 'google', `${trouble.replace('_', '-')}-1`, { just: () => it.clouds.trouble('google', trouble) });
    await seeFailure(page, node, failure);
    if (trouble === 'no_capacity') await see(page, 'Google Cloud has it in: us-central1-b, us-central1-f.');
    await it.clouds.trouble('google', trouble);
    const second = await another(page, `${trouble.replace('_', '-')}-2`);
    await seeFailure(page, second, failure);
    await comeRight(page, node, second);
  });
}

it.journey('a zone that does not exist: another one is chosen', async () => {
  const page = await it.owner();
  await form(page);
  const node = await another(page, 'nowhere-1', { location: 'moon-east1-a' });
  await seeFailure(page, node, NOWHERE);
  const second = await another(page, 'nowhere-2', { location: 'moon-east1-a' });
  await seeFailure(page, second, NOWHERE);
  await comeRight(page, node, second, async () => {
    await page.getByRole('link', { name: 'Change and retry…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Location' }).selectOption('us-central1-a');
    await dialog.getByRole('radio', { name: /e2-medium/ }).check();
    await dialog.getByRole('button', { name: 'Retry', exact: true }).click();
  });
});

it.journey('a key that was taken back: retried when it is good again', async () => {
  const page = await it.owner();
  await form(page);
  const node = await order(page, 'google', 'revoked-1', { just: () => it.clouds.trouble('google', 'bad_credential') });
  await seeFailure(page, node, DENIED);
  const second = await another(page, 'revoked-2');
  await seeFailure(page, second, DENIED);
  await comeRight(page, node, second);
  const { google } = await it.clouds.tell('count');
  assert.deepEqual([google.machines, google.disks], [0, 0]);
});
