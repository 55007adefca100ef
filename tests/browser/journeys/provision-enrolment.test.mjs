// An enrolment token in the wrong hands, or at the wrong time: refused, recorded, and shown to whoever watches.
import assert from 'node:assert/strict';
import { api, see, stage } from '../src/stage.mjs';
import { addCredential, choose, gone, left, lines, machineOf, movedOn, nodeOf, order } from '../src/provision.mjs';
import { until } from '../src/tour.mjs';

const it = stage({ clouds: true, clock: true });

const USED = /enrolment token was used by another installation, or is no longer needed, from 10\.214\./;
const EXPIRED = /the enrolment token’s time is over, from 10\.214\./;

const refused = (page) => page.locator('section').filter({ has: page.getByRole('heading', { name: 'Refused connections' }) });

/** A node at Hetzner, ordered in the form. */
async function cloudNode(page, name) {
  await choose(page, 'hetzner');
  if ((await api(page, 'GET', '/credentials')).items.length === 0) {
    await addCredential(page, 'hetzner', it.clouds.credentials.hetzner);
  }
  return order(page, 'hetzner', name);
}

/** The token that a machine was started with; read on the machine, as anybody could who got in. */
async function tokenOn(machine) {
  const read = () => it.clouds.run(machine, 'cat', '/var/lib/spunto/agent.env').catch(() => '');
  return until('the script has begun', async () => (await read()).match(/ENROLMENT_TOKEN=(\S+)/)?.[1]);
}

/** The machine reaches the control plane from now on; its agent tries at once, not when its pause is over. */
async function reach(machine) {
  await it.clouds.tell('plug', { machine });
  const restart = () => it.clouds.run(machine, 'docker', 'restart', '--time', '1', 'spunto-agent');
  await until('an agent', () => restart().then(() => true, () => false));
}

async function remove(page, node) {
  await api(page, 'DELETE', `/nodes/${node}`);
  await gone(page, node);
  await left(it, 0);
}

it.journey('a machine whose volume was lost is another installation: the page tells of it, and the node stays away', async () => {
  const page = await it.owner();
  const node = await cloudNode(page, 'cloned');
  await movedOn(page, node);
  const machine = await machineOf(page, node);
  await it.clouds.run(machine, 'docker', 'rm', '--force', 'spunto-agent');
  await it.clouds.run(machine, 'docker', 'volume', 'rm', 'spunto-agent');
  await it.clouds.tell('run_script_again', { machine });
  await see(refused(page), USED);
  assert.equal((await nodeOf(page, node)).status.state, 'offline');
  await remove(page, node);
});

it.journey('a token that somebody stole and used first is no good for its machine, and the console says so', async () => {
  const page = await it.owner();
  await it.clouds.trouble('hetzner', 'unplugged');
  const node = await cloudNode(page, 'robbed');
  await lines(page, '✓✓▸·');
  const machine = await machineOf(page, node);
  const headers = { Authorization: `Bearer ${await tokenOn(machine)}` };
  const enrol = (instance) => page.request.post('/api/agent/enrol', { headers, data: { instance } });
  const [first, again] = [await enrol('00000000000bad00'), await enrol('00000000000bad00')];
  assert.equal(first.status(), 200);
  assert.deepEqual(await again.json(), await first.json(), 'a lost reply is given again to the same installation');
  await lines(page, '✓✓✓▸');
  await reach(machine);
  await see(refused(page), USED);
  const [entry] = (await nodeOf(page, node)).connection_refusals;
  assert.equal(entry.reason, 'enrolment_used');
  const events = await api(page, 'GET', '/events?limit=1000');
  assert.ok(events.items.some((event) => event.stream === node && event.kind === 'node.connection_refused'), 'it is an event');
  await it.clouds.tell('heal');
  await remove(page, node);
});

it.journey('a token whose time is over is refused, also right after the server was away', async () => {
  const page = await it.owner();
  await it.clouds.trouble('hetzner', 'unplugged');
  const node = await cloudNode(page, 'too-late');
  await lines(page, '✓✓▸·');
  const machine = await machineOf(page, node);
  await tokenOn(machine);
  await it.server.kill();
  it.server.clock.pass(61);
  await it.server.start();
  await reach(machine);
  await see(refused(page), EXPIRED);
  // Machines had half a minute to call after the start; it is over.
  it.server.clock.pass(1);
  await until('an event', () => api(page, 'POST', '/projects', { name: 'later' }).then(() => true, () => false));
  await lines(page, '✓✓✗·');
  await it.clouds.tell('heal');
  await remove(page, node);
});
