// Cloud nodes as a person makes them: the form, the console with its four lines, and what it says when it goes wrong.
import assert from 'node:assert/strict';
import { SOON_MS } from './browser.mjs';
import { api, field, see } from './stage.mjs';
import { until } from './tour.mjs';

const PLACES = {
  hetzner: { radio: /^Hetzner/, secret: 'Token', location: 'fsn1', machine: /cx23/, image: 'debian-12' },
  google: {
    radio: /^Google/,
    secret: 'Service account key',
    location: 'us-central1-a',
    machine: /e2-medium/,
    image: 'projects/debian-cloud/global/images/family/debian-12',
  },
};

const button = (scope, name) => scope.getByRole('button', { name, exact: true });

/** What is asked for at a cloud, as the API takes it. */
export const wish = (cloud, credential) => ({
  credential,
  location: PLACES[cloud].location,
  machine_type: PLACES[cloud].machine.source,
  image: PLACES[cloud].image,
});

/** Opens the form of a cloud's nodes. */
export async function choose(page, cloud) {
  await page.goto(`/orgs/${page.org}/nodes/new`);
  await page.getByRole('radio', { name: PLACES[cloud].radio }).check();
}

/** Adds the first credential right where it is needed. */
export async function addCredential(page, cloud, secret) {
  await field(page, 'Name of the credential').fill(`${cloud}-main`);
  await field(page, PLACES[cloud].secret).fill(secret);
  await button(page, 'Verify and keep').click();
  // It is kept when what can be had with it is asked for.
  await page.getByRole('combobox', { name: 'Location' }).waitFor();
}

/** Fills the form in and sends it, `just` before which something may happen; the node's id, with its console open. */
export async function order(page, cloud, name, { just } = {}) {
  const { location, machine, image } = PLACES[cloud];
  await page.getByRole('combobox', { name: 'Location' }).selectOption(location);
  await page.getByRole('radio', { name: machine }).check();
  await page.getByRole('combobox', { name: 'Image' }).selectOption(image);
  await page.getByRole('textbox', { name: /^Name/ }).fill(name);
  await just?.();
  await button(page, 'Create node').click();
  await page.waitForURL(/\/provision$/);
  return page.url().match(/nod_\w+/)[0];
}

/** Waits until the console's lines stand so, like `✓✓▸·`. */
export const lines = (page, glyphs) =>
  page.waitForFunction(
    (wanted) => {
      const list = document.querySelector('ol[aria-label="Provisioning"]');
      const seen = [...(list?.children ?? [])].map((line) => line.querySelector('.glyph').textContent).join('');
      return seen === wanted;
    },
    glyphs,
    { timeout: 2 * SOON_MS },
  );

/** Waits until the page has moved on to the node's own, by itself. */
export const movedOn = (page, node) => page.waitForURL((url) => url.pathname.endsWith(`/nodes/${node}`), { timeout: 2 * SOON_MS });

export const nodeOf = (page, node) => api(page, 'GET', `/nodes/${node}`);

/** The name of the node's machine at its cloud. */
export const machineOf = async (page, node) => (await nodeOf(page, node)).provision.machine.name;

/** Puts a worker there, waits for it in its page, and finds its container in the machine's own engine. */
export async function workOn(stage, page, node, image) {
  const project = (await api(page, 'GET', '/projects')).items[0].id;
  // What it prints stands nowhere else on its page.
  const command = ['sh', '-c', 'echo "worker $((40 + 2)) on a cloud"; sleep 1000000'];
  const { worker } = await api(page, 'POST', `/projects/${project}/workers`, { name: `on-${node.slice(-4)}`, image, command });
  await page.goto(`/orgs/${page.org}/projects/${project}/workers/${worker.id}`);
  await see(page, 'worker 42 on a cloud');
  const machine = await machineOf(page, node);
  const names = await stage.clouds.run(machine, 'docker', 'ps', '--format', '{{.Names}}');
  assert.ok(names.includes(worker.id.replace('_', '-')), `the machine's engine runs ${names}`);
  return worker;
}

/** A failure as the console shows it: the line, the class, the provider's words, the next step, and that the node keeps them. */
export async function seeFailure(page, node, { glyphs, kind, says }) {
  await lines(page, glyphs);
  const failed = page.locator('section').filter({ has: page.getByRole('heading', { name: `Provisioning failed: ${kind}` }) });
  await failed.waitFor();
  assert.match(await failed.locator('blockquote').innerText(), says);
  const red = await page.locator('ol[aria-label="Provisioning"] > li.bad > .glyph').evaluate((glyph) => {
    const [r, g, b] = getComputedStyle(glyph).color.match(/[\d.]+/g).map(Number);
    return r > g && r > b;
  });
  assert.ok(red, 'the cross is red');
  const { status, provision } = await nodeOf(page, node);
  assert.equal(status.state, 'provisioning_failed');
  const step = provision.failed.next_step;
  assert.ok(step.length > 10 && (await failed.innerText()).includes(step.slice(1)), `the next step is told: ${step}`);
}

/** Leaves by the console's own button, finds the node in the list, looks at its page, and comes back. */
export async function inspect(page, node, name) {
  await page.getByRole('link', { name: 'Back to nodes' }).click();
  const row = page.getByRole('row').filter({ hasText: name });
  await see(row, /provisioning failed/i);
  await page.goto(`/orgs/${page.org}/nodes/${node}`);
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await see(page.locator('section').filter({ hasText: /What happened/ }), /failed/i);
  await page.goto(`/orgs/${page.org}/nodes/${node}/provision`);
}

export const retry = (page) => button(page, 'Retry').click();

/** Deletes the node from its failed console. */
export async function removeFailed(page) {
  await button(page, 'Delete').click();
  await button(page.getByRole('dialog'), 'Delete node').click();
  await page.getByRole('heading', { level: 1, name: 'Nodes', exact: true }).waitFor();
}

/** Waits until the organisation has no such node any more. */
export const gone = (page, node, patience) =>
  until(`${node} gone`, async () => (await page.request.get(`/api/orgs/${page.org}/nodes/${node}`)).status() === 404, patience);

/** Waits until a cloud has so many machines left, and none more is running than that. */
export const left = (stage, machines) =>
  until(`${machines} machines`, async () => {
    const { hetzner, google, running, failures } = await stage.clouds.tell('count');
    assert.deepEqual(failures, []);
    return hetzner.machines + google.machines === machines && google.disks === google.machines && running === machines;
  });
