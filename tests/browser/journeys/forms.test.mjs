// What is typed wrong is said at its field before it is sent, and the server's refusals stand there in its own words.
import assert from 'node:assert/strict';
import { OWNER, api, field, see, stage } from '../src/stage.mjs';

const it = stage();

const button = (scope, name) => scope.getByRole('button', { name, exact: true });
const dialog = (page) => page.getByRole('dialog');

/** Fills fields by label, sends, and sees each of the words. */
async function refused(scope, fields, send, words) {
  for (const [label, value] of fields) await field(scope, label).fill(value);
  await button(scope, send).click();
  for (const word of [words].flat()) await see(scope, word);
}

async function more(page, item) {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('button', { name: item }).click();
}

it.journey('nodes: names, labels, reasons', async () => {
  const page = await it.owner();
  const { node } = await api(page, 'POST', '/nodes', { name: 'taken' });
  await api(page, 'POST', '/nodes', { name: 'other' });
  await page.goto(`/orgs/${page.org}/nodes/new`);
  await refused(page, [], 'Create node', 'Give it a name');
  await refused(page, [['Name', 'a'.repeat(64)]], 'Create node', /At most 63 characters/);
  await refused(page, [['Name', 'taken']], 'Create node', /Another node is called/);
  await refused(page, [['Name', 'fine'], ['Labels', 'zone=eu, zone=us']], 'Create node', /there twice/);
  await refused(page, [['Labels', 'bad key!=1']], 'Create node', /label/i);
  await page.goto(`/orgs/${page.org}/nodes/${node.id}`);
  await more(page, 'Rename');
  await refused(dialog(page), [['Name', 'Not A Name']], 'Rename', /Lower-case letters/);
  // The dialog does not look at the list: the server says that the name is taken.
  await refused(dialog(page), [['Name', 'other']], 'Rename', /other/);
  await page.keyboard.press('Escape');
  await button(page, 'Maintenance').click();
  const start = button(dialog(page), 'Start maintenance');
  assert.equal(await start.getAttribute('aria-disabled'), 'true', 'maintenance needs a reason');
  await field(dialog(page), 'Reason').fill('x'.repeat(201));
  await page.keyboard.press('Tab');
  await see(dialog(page), /at most 200 bytes/);
  await field(dialog(page), 'Reason').fill('disk swap');
  await start.click();
  await see(page, 'disk swap');
  assert.equal(await button(page, 'Drain').getAttribute('aria-disabled'), 'true', 'a node that never came can not be drained');
});

it.journey('projects, workers and deployments: names, images, limits, environments', async () => {
  const page = await it.owner();
  await page.goto(`/orgs/${page.org}/projects`);
  await button(page, 'New project').click();
  await refused(dialog(page), [['Name', 'Bad Name']], 'Create project', /Lower-case letters/);
  await refused(dialog(page), [['Name', 'default']], 'Create project', /default/);
  await field(dialog(page), 'Name').fill('shop');
  await button(dialog(page), 'Create project').click();
  await page.getByRole('heading', { level: 1, name: 'shop' }).waitFor();
  await page.getByRole('link', { name: 'New worker' }).first().click();
  await page.waitForURL(/\/workers\/new$/);
  await refused(page, [['Name', 'Bad Name'], ['Image', 'two words']], 'Create worker', [/Lower-case letters/, /without spaces/]);
  await refused(page, [['Name', ''], ['Image', 'debian:12'], ['Command', 'sh -c "open']], 'Create worker', /quote/i);
  await refused(page, [['Command', 'true'], ['CPU', 'lots'], ['Memory', 'much']], 'Create worker', [/CPU|number|cores/i, /MiB|GiB|memory/i]);
  await refused(page, [['CPU', ''], ['Memory', ''], ['Node labels', 'zone=eu, zone=us']], 'Create worker', /there twice/);
  await refused(page, [['Node labels', 'zone=eu']], 'Create worker', /No node can take it|no node/i);
  await button(page, 'Add variable').click();
  await page.getByLabel('Name of variable').last().fill('1BAD');
  await page.getByLabel(/^Value of/).last().fill('a secret');
  await refused(page, [], 'Create worker', /Letters, digits and underscores/);
  assert.equal(await page.getByLabel(/^Value of/).last().getAttribute('type'), 'password', 'values are not shown');
  await page.goBack();
  await page.getByRole('link', { name: 'New deployment' }).first().click();
  await refused(page, [['Node labels', 'bad key!=1']], 'Create deployment', [/name/i, /image/i, /is no key/]);
});

it.journey('settings: members, keys, the organisation, the password', async () => {
  const page = await it.owner();
  await page.goto(`/orgs/${page.org}/settings`);
  await button(page, 'Invite').click();
  await refused(dialog(page), [['E-mail address', 'grace']], 'Invite', 'Write an e-mail address');
  await refused(dialog(page), [['E-mail address', OWNER.email]], 'Invite', /member|belongs/i);
  await field(dialog(page), 'E-mail address').fill('grace@example.com');
  await button(dialog(page), 'Invite').click();
  await see(dialog(page), /\/invitation#/);
  await button(dialog(page), 'I have handed it over').click();
  await see(page, 'grace@example.com');
  await button(page, 'New key').click();
  await refused(dialog(page), [['Name', '']], 'Create key', [/name/i, /scope|may/i]);
  await field(dialog(page), 'Name').fill('ci');
  await dialog(page).getByLabel(/nodes:read/).check();
  await button(dialog(page), 'Create key').click();
  await see(dialog(page), /^spk_/);
  // Chromium closes a dialog at the third Esc, whatever the page says.
  for (let press = 0; press < 4; press++) await page.keyboard.press('Escape');
  await see(dialog(page), /^spk_/);
  await button(dialog(page), 'I have kept it').click();
  assert.equal(await page.getByText(/spk_\w{20}/).count(), 0, 'the secret is not shown again');
  await page.getByRole('button', { name: 'Revoke ci' }).click();
  await button(dialog(page), 'Revoke').click();
  await page.getByRole('button', { name: 'Revoke ci' }).waitFor({ state: 'detached' });
  await refused(page, [['Name', ' ']], 'Rename', /must say something/);
  await page.goto('/account');
  await refused(page, [['Present password', 'wrong one here'], ['New password', 'short'], ['New password again', 'other']], 'Change password', [
    /At least 10 characters/,
  ]);
  const next = 'a better horse battery';
  await refused(page, [['New password', next], ['New password again', next]], 'Change password', /password/i);
  assert.match(page.url(), /\/account$/, 'a wrong present password changes nothing');
  await field(page, 'Present password').fill(OWNER.password);
  await button(page, 'Change password').click();
  await page.waitForURL(/\/sign-in/);
});
