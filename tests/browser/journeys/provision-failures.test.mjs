// What can go wrong at Hetzner while a node is made: shown in the provider's words with a way on, kept to be looked at, retried to
// success, and deleted with nothing left behind.
import { api, stage } from '../src/stage.mjs';
import {
  addCredential,
  choose,
  gone,
  inspect,
  left,
  lines,
  movedOn,
  order,
  removeFailed,
  retry,
  seeFailure,
  wish,
} from '../src/provision.mjs';

const it = stage({ clouds: true });

const QUOTA = { glyphs: '✓✗··', kind: 'quota used up', says: /^server limit exceeded/ };
const NO_CAPACITY = { glyphs: '✓✗··', kind: 'no capacity', says: /^error during placement/ };
const DENIED = { glyphs: '✗···', kind: 'credential refused', says: /^the token you have provided is invalid/ };
const NOWHERE = { glyphs: '✓✗··', kind: 'not known there', says: /location/ };

const credential = async (page) => (await api(page, 'GET', '/credentials')).items[0].id;

/** Opens the form; the first time with a credential to add. */
async function form(page) {
  await choose(page, 'hetzner');
  if ((await api(page, 'GET', '/credentials')).items.length > 0) return;
  await addCredential(page, 'hetzner', it.clouds.credentials.hetzner);
}

/** Another node that fails alike; made as a script makes it. */
async function another(page, name, otherwise = {}) {
  const cloud = { ...wish('hetzner', await credential(page)), ...otherwise };
  const { node } = await api(page, 'POST', '/nodes', { name, cloud });
  await page.goto(`/orgs/${page.org}/nodes/${node.id}/provision`);
  return node.id;
}

/** One fails and is retried to success, another fails and is deleted; then the first goes as well, and nothing is left. */
async function failAndComeRight(page, name, failure, { before, ordered, again = () => retry(page), otherwise }) {
  await before?.();
  const node = await ordered(name);
  await seeFailure(page, node, failure);
  await inspect(page, node, name);
  await seeFailure(page, node, failure);
  const second = await another(page, `${name}-2`, otherwise);
  await seeFailure(page, second, failure);
  await removeFailed(page);
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

it.journey('a quota that is used up: retried when there is room again', async () => {
  const page = await it.owner();
  await form(page);
  const ordered = (name) => order(page, 'hetzner', name);
  await failAndComeRight(page, 'quota', QUOTA, { before: () => it.clouds.trouble('hetzner', 'quota'), ordered });
});

it.journey('no capacity: it says where there is some, and goes there only when told to', async () => {
  const page = await it.owner();
  await form(page);
  // It could be had when it was chosen.
  const ordered = (name) => order(page, 'hetzner', name, { just: () => it.clouds.trouble('hetzner', 'no_capacity') });
  const again = async () => {
    await it.clouds.trouble('hetzner', 'no_capacity');
    await page.getByText(/Hetzner has it in: .*nbg1/).waitFor();
    await page.getByRole('link', { name: 'Change and retry…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Location' }).selectOption('nbg1');
    await dialog.getByRole('radio', { name: /cx23/ }).check();
    await dialog.getByRole('button', { name: 'Retry', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await failAndComeRight(page, 'sold-out', NO_CAPACITY, { ordered, again });
  await it.clouds.tell('heal');
});

it.journey('a credential that is not good any more: retried when it is again', async () => {
  const page = await it.owner();
  await form(page);
  const ordered = (name) => order(page, 'hetzner', name, { just: () => it.clouds.trouble('hetzner', 'bad_credential') });
  await failAndComeRight(page, 'revoked', DENIED, { ordered });
});

it.journey('a location that does not exist: another one is chosen', async () => {
  const page = await it.owner();
  const otherwise = { location: 'ash' };
  await form(page);
  const again = async () => {
    await page.getByRole('link', { name: 'Change and retry…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Location' }).selectOption('fsn1');
    await dialog.getByRole('radio', { name: /cx23/ }).check();
    await dialog.getByRole('button', { name: 'Retry', exact: true }).click();
  };
  await failAndComeRight(page, 'nowhere', NOWHERE, { ordered: (name) => another(page, name, otherwise), otherwise, again });
});
