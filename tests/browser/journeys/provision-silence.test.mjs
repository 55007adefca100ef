// A machine that never calls back: its quarter of an hour passes by the server's own clock, which is put forward.
import { api, see, stage, unique } from '../src/stage.mjs';
import {
  addCredential,
  choose,
  gone,
  inspect,
  left,
  lines,
  machineOf,
  movedOn,
  nodeOf,
  order,
  removeFailed,
  retry,
  seeFailure,
} from '../src/provision.mjs';
import { until } from '../src/tour.mjs';

const it = stage({ clouds: true, clock: true });

/** How long a machine may take to call, and how long it is kept after that, in minutes. */
const HANDSHAKE = 15;
const KEPT = 30;
const SILENT = { glyphs: '✓✓✗·', kind: 'no call from the VM', says: /^the agent did not call within 15 min; it has reported nothing/ };

/** So many minutes pass; any event wakes whoever sleeps through them. Connections that were idle for so long are closed. */
async function pass(page, minutes) {
  it.server.clock.pass(minutes);
  const event = () => api(page, 'POST', '/projects', { name: unique('later') });
  await until('an event', () => event().then(() => true, () => false));
}

/** A node whose machine is there and reaches nothing, until its time is over. */
async function silent(page, name) {
  await it.clouds.trouble('hetzner', 'unplugged');
  await choose(page, 'hetzner');
  if ((await api(page, 'GET', '/credentials')).items.length === 0) {
    await addCredential(page, 'hetzner', it.clouds.credentials.hetzner);
  }
  const node = await order(page, 'hetzner', name);
  await lines(page, '✓✓▸·');
  await see(page, /It has not reported anything yet/);
  await pass(page, HANDSHAKE + 1);
  await seeFailure(page, node, SILENT);
  await it.clouds.tell('heal');
  return node;
}

it.journey('a machine that never calls is told of, kept at its price, replaced by a retry, or deleted', async () => {
  const page = await it.owner();
  const node = await silent(page, 'silent-1');
  await see(page, /is kept until .* It costs €/);
  await inspect(page, node, 'silent-1');
  const before = await machineOf(page, node);
  await left(it, 1);
  await retry(page);
  await lines(page, '✓✓✓✓');
  await movedOn(page, node);
  const { provision } = await nodeOf(page, node);
  if (provision.machine.name !== before || provision.attempt !== 2) throw new Error(`not the second attempt: ${JSON.stringify(provision)}`);
  await left(it, 1);
  const second = await silent(page, 'silent-2');
  await removeFailed(page);
  await gone(page, second);
  await left(it, 1);
  await api(page, 'DELETE', `/nodes/${node}`);
  await gone(page, node);
  await left(it, 0);
});

it.journey('a call that comes late, while the machine is kept, makes the node come online after all', async () => {
  const page = await it.owner();
  const node = await silent(page, 'late');
  await it.clouds.tell('plug', { machine: await machineOf(page, node) });
  await lines(page, '✓✓✓✓');
  await movedOn(page, node);
  await api(page, 'DELETE', `/nodes/${node}`);
  await gone(page, node);
  await left(it, 0);
});

it.journey('a machine that was kept in vain is removed, and its failure stays to be read', async () => {
  const page = await it.owner();
  const node = await silent(page, 'never');
  await pass(page, KEPT + 1);
  await see(page, 'No VM is held for this node at the provider now.');
  await left(it, 0);
  await until('still failed', async () => (await nodeOf(page, node)).status.state === 'provisioning_failed');
  await removeFailed(page);
  await gone(page, node);
});
