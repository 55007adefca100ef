// The life of a node, as its owner sees it: added, connected, working, drained, its token rotated, deleted. On the real engine.
import assert from 'node:assert/strict';
import { docker, paste, renamed } from '../src/engine.mjs';
import { WORKER_IMAGE } from '../src/server.mjs';
import { OWNER, api, field, see, stage, unique } from '../src/stage.mjs';

const it = stage({ docker: true });
const container = unique('spunto-agent-journey');

const dialog = (page) => page.getByRole('dialog');
const button = (scope, name) => scope.getByRole('button', { name, exact: true });
const command = (scope, what) => scope.getByLabel(what, { exact: true }).innerText();

/** The node's state as the page's heading shows it. */
const state = (page, word) => page.locator('h1 ~ *, header').getByText(word, { exact: true }).first().waitFor();

async function newWorker(page) {
  await page.getByRole('link', { name: 'New worker' }).first().click();
  // The page before has a field about images, too.
  await page.getByRole('heading', { level: 1, name: 'New worker' }).waitFor();
}

async function more(page, item) {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('button', { name: item }).click();
}

async function add(page) {
  await page.getByRole('link', { name: 'Add node' }).first().click();
  await page.waitForURL(/\/nodes\/new$/);
  assert.equal(await page.getByLabel('Manual').isChecked(), true);
  await see(page, /trusted/);
  await field(page, 'Name').fill('Prod EU');
  await see(page, /Lower-case letters, digits and hyphens; starts and ends/);
  await field(page, 'Name').fill('journey-1');
  await field(page, 'Labels').fill('zone=eu');
  await button(page, 'Create node').click();
  await see(page, 'it is not shown again');
  await see(page, /waiting for agent/i);
  const shown = await command(page, 'install command');
  assert.match(shown, /^docker run -d \\\n {2}--name spunto-agent \\\n.*-e NODE_TOKEN=spn_\w+.*-e API_URL=http:/s);
  // Whoever looks at the page in another browser sees the node as well, but never its token.
  const other = await it.owner();
  await other.goto(`/orgs/${other.org}/nodes`);
  await other.getByRole('link', { name: 'journey-1' }).waitFor();
  const node = (await api(other, 'GET', '/nodes')).items[0].id;
  it.adopt(container, () => node);
  await paste(renamed(shown, container));
  await see(page, /node online/i);
  await page.waitForURL(`**/nodes/${node}`);
  await page.goBack();
  assert.equal(await page.getByText('NODE_TOKEN').count(), 0, 'the way back does not show the command again');
  await page.goForward();
  await page.waitForURL(`**/nodes/${node}`);
  return { node, other, token: shown.match(/NODE_TOKEN=(\S+)/)[1] };
}

it.journey('a node is added by the shown command, works, is drained, gets another token, and is deleted', async () => {
  const page = await it.open();
  await page.goto(await it.server.link());
  for (const [label, value] of [['E-mail address', OWNER.email], ['Your name', OWNER.name], ['Password', OWNER.password]]) {
    await field(page, label).fill(value);
  }
  await button(page, 'Set up').click();
  await see(page, 'No node yet');
  page.org = page.url().match(/org_\w+/)[0];
  const { node, other, token } = await add(page);

  // Gauges move: the server keeps what came, the page draws it.
  await page.getByRole('heading', { level: 1, name: 'journey-1' }).waitFor();
  const cpu = page.getByRole('meter', { name: 'CPU', exact: true });
  const first = await cpu.getAttribute('aria-valuetext');
  await page.waitForFunction(
    ([before]) => {
      const now = document.querySelector('[role=meter][aria-label="CPU"]')?.getAttribute('aria-valuetext');
      return now && now !== 'unknown' && now !== before;
    },
    [first],
  );
  await see(page, '0.1.0');
  await see(page, 'zone=eu');

  // A worker, placed with a reason.
  await page.getByRole('link', { name: 'Projects', exact: true }).click();
  await page.getByRole('link', { name: 'default' }).first().click();
  await newWorker(page);
  await button(page, 'Create worker').click();
  await see(page, 'Name an image');
  await field(page, 'Image').fill(WORKER_IMAGE);
  await field(page, 'Node labels').fill('zone=eu');
  await field(page, 'Command').fill(`sh -c "while true; do echo tick-$((n=n+1)); sleep 0.2; done"`);
  await button(page, 'Create worker').click();
  await see(page, /placed on journey-1 because/);
  await page.waitForURL(/\/workers\/wkr_\w+$/);
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  await see(page, /running$/);
  await see(page, /tick-\d+/);
  const worker = page.url().match(/wkr_\w+/)[0];

  // Drained: nothing new comes, what runs stays.
  await page.goto(`/orgs/${page.org}/nodes/${node}`);
  await button(page, 'Drain').click();
  await see(dialog(page), 'Nothing new is placed on it');
  await field(dialog(page), 'Reason').fill('kernel update');
  await button(dialog(page), 'Drain').click();
  await button(page, 'End drain').waitFor();
  await see(page, /kernel update/);
  await other.goto(`/orgs/${page.org}/projects`);
  await other.getByRole('link', { name: 'default' }).first().click();
  await newWorker(other);
  await field(other, 'Image').fill(WORKER_IMAGE);
  await button(other, 'Create worker').click();
  const refusal = other.getByRole('alert').filter({ hasText: 'journey-1' });
  await see(refusal, /drain/);

  // Another token: the old one is dead, both commands are shown once.
  await more(page, 'Rotate token');
  await button(dialog(page), 'Rotate token').click();
  const remove = await command(dialog(page), '1. remove the old agent');
  const run = await command(dialog(page), '2. start it with the new token');
  assert.equal(remove, 'docker rm -f spunto-agent');
  assert.ok(!run.includes(token) && /NODE_TOKEN=spn_\w+/.test(run), 'the token is another');
  // The old agent calls in vain, and that is seen while one waits.
  await see(dialog(page), /refused: token was rotated/);
  const runs = await docker('inspect', '-f', '{{.State.StartedAt}}', (await docker('ps', '-q', '--filter', `name=spunto-${worker.replace('_', '-')}`)).split('\n')[0]);
  await paste(renamed(remove, container));
  await paste(renamed(run, container));
  await see(dialog(page), /node online/i);
  await button(dialog(page), 'Done, I have copied both').click();
  // The reconnect ended the drain, as the product promises; the worker never noticed.
  await button(page, 'Drain').waitFor();
  const now = await docker('inspect', '-f', '{{.State.StartedAt}}', (await docker('ps', '-q', '--filter', `name=spunto-${worker.replace('_', '-')}`)).split('\n')[0]);
  assert.equal(now, runs);

  // The story so far, in plain words, each entry with its event.
  for (const words of [/created/i, /online/i, /drain/i, /token/i]) await see(page.locator('section').filter({ hasText: /What happened/ }), words);

  // Deleted: with a worker on it only by force, and then by its name.
  await more(page, 'Delete');
  await see(dialog(page), /1 worker or service/);
  const forced = dialog(page).getByRole('button', { name: /^Delete with/ });
  assert.equal(await forced.getAttribute('aria-disabled'), 'true');
  await dialog(page).getByRole('textbox').fill('journey-1');
  await forced.click();
  await see(page, /deleted|being deleted/);
  await page.goto(`/orgs/${page.org}/nodes`);
  await see(page, 'No node yet');
});
