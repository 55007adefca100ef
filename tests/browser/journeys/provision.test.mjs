// A node whose machine a cloud makes, as its owner sees it: ordered, watched, at work, rebooted, deleted. The cloud is a fake; its
// machines are not: each boots by its user-data, and its agent calls from an engine and a network of its own.
import assert from 'node:assert/strict';
import { WORKER_IMAGE } from '../src/server.mjs';
import { api, see, stage } from '../src/stage.mjs';
import { addCredential, choose, gone, left, lines, machineOf, movedOn, nodeOf, order, workOn } from '../src/provision.mjs';
import { until } from '../src/tour.mjs';

const it = stage({ clouds: true });

const times = (page) => page.locator('ol[aria-label="Provisioning"] > li > .times').allInnerTexts();
const online = (page, node) => until('the node online', async () => (await nodeOf(page, node)).status.state === 'online');

it.journey('a node at Hetzner comes up line by line in every browser, works, and takes its machine along', async () => {
  const page = await it.owner();
  await choose(page, 'hetzner');
  await addCredential(page, 'hetzner', it.clouds.credentials.hetzner);
  await it.clouds.tell('hold', { held: true });
  const node = await order(page, 'hetzner', 'falkenstein-1');
  await lines(page, '✓▸··');
  // Half-way, loaded anew, and in a second browser: the same state.
  await page.reload();
  await lines(page, '✓▸··');
  const other = await it.owner();
  await other.goto(page.url());
  await lines(other, '✓▸··');
  for (const each of [page, other]) await see(each, /gives up at/);
  await it.clouds.tell('hold', { held: false });
  // What the machine tells of its start stands below the line that waits for it.
  await Promise.all([page, other].map((each) => see(each, 'starting agent')));
  await Promise.all([page, other].map((each) => lines(each, '✓✓✓✓')));
  const took = await times(page);
  assert.ok(took.length === 4 && took.every((text) => /took [\d.]+ (s|ms)/.test(text)), `each line says what it took: ${took}`);
  await Promise.all([page, other].map((each) => movedOn(each, node)));
  await page.getByRole('heading', { level: 1, name: 'falkenstein-1' }).waitFor();
  await workOn(it, page, node, WORKER_IMAGE);

  // The script runs again, and the machine is booted again: the same node, with what it traded for in its volume.
  const machine = await machineOf(page, node);
  const { epoch } = await nodeOf(page, node);
  await it.clouds.tell('run_script_again', { machine });
  assert.equal((await nodeOf(page, node)).epoch, epoch, 'the agent that runs goes on');
  // The agent's probe makes networks of its own; an engine that loses its power in the midst of that does not start again.
  await until('the isolation probed', async () => (await nodeOf(page, node)).isolation !== null);
  await it.clouds.tell('reboot', { machine });
  await until('a new session', async () => (await nodeOf(page, node)).epoch > epoch);
  await online(page, node);
  assert.deepEqual((await nodeOf(page, node)).connection_refusals, []);

  await api(page, 'DELETE', `/nodes/${node}?force=true`);
  await gone(page, node);
  await left(it, 0);
});

it.journey('a node at Google Cloud comes up by its start script, and takes machine and disk along', async () => {
  const page = await it.owner();
  await choose(page, 'google');
  await addCredential(page, 'google', it.clouds.credentials.google);
  const node = await order(page, 'google', 'iowa-1');
  await lines(page, '✓✓✓✓');
  await movedOn(page, node);
  await workOn(it, page, node, WORKER_IMAGE);
  await api(page, 'DELETE', `/nodes/${node}?force=true`);
  await gone(page, node);
  await left(it, 0);
});
