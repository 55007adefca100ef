// The past of a node, as an operator looks at it: by the slider over its events, by the story of its failure, by its slice.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askFile, askServer } from '../src/replay.mjs';
import { WORKER_IMAGE } from '../src/server.mjs';
import { api, see, stage } from '../src/stage.mjs';
import { addNode, addRefused, changeLabels, until } from '../src/tour.mjs';

const it = stage({ docker: true, refusing: true });

/** What the cloud says, in its own words. */
const REFUSAL = { code: 'resource_limit_exceeded', message: 'server limit exceeded' };

/** A node with a life: online, a worker on it, other labels, drained. Its events by their kinds. */
async function lived(page) {
  const node = await addNode(it, page, 'past-1');
  const project = (await api(page, 'GET', '/projects')).items[0].id;
  const { worker } = await api(page, 'POST', `/projects/${project}/workers`, { name: 'queue', image: WORKER_IMAGE, command: ['sleep', '1000000'] });
  const running = async () => (await api(page, 'GET', `/projects/${project}/workers/${worker.id}`)).status.state === 'running';
  await until('the worker running', running);
  await changeLabels(page, node, { zone: 'us-2' });
  await api(page, 'POST', `/nodes/${node.id}/drain`, { reason: 'new kernel' });
  const { items } = await api(page, 'GET', `/nodes/${node.id}/events?order=newest`);
  return { node, position: (kind) => items.find((event) => event.kind === kind).position };
}

const asOf = (page) => new URL(page.url()).searchParams.get('as_of');
const row = (page, term) => page.getByRole('region', { name: 'Node then' }).locator('dl > div').filter({ has: page.locator(`dt:text-is("${term}")`) });
const top = async (locator) => Math.round((await locator.boundingBox()).y);

it.journey('the slider shows a node as it was at each of its events, by keyboard, and by a link', async () => {
  const page = await it.owner();
  const { node, position } = await lived(page);
  await page.goto(`/orgs/${page.org}/nodes/${node.id}`);
  const slider = page.getByRole('slider', { name: 'Point in the node’s history' });
  await slider.and(page.locator(':enabled')).waitFor();
  assert.equal(await slider.getAttribute('aria-valuetext'), 'Now');
  const place = await top(slider);

  // One step back: the last event. Nothing can be done in the past, and nothing moved.
  await slider.focus();
  await page.keyboard.press('ArrowLeft');
  await see(page, /As it was, .*2\d{3}/);
  assert.match(await slider.getAttribute('aria-valuetext'), /^Draining \(“new kernel”\).*, event \d+ of \d+$/);
  assert.equal(asOf(page), position('node.draining'));
  assert.equal(await top(slider), place);
  assert.deepEqual(await page.locator('main button').filter({ hasText: /^(Drain|End drain|Maintenance|Edit|More ▾)$/ }).count(), 0);
  await see(row(page, 'Status'), 'draining: new kernel');
  await see(row(page, 'Status'), /was online/);

  // The first event, and the end.
  await page.keyboard.press('Home');
  await see(row(page, 'Status'), 'waiting for agent');
  assert.equal(asOf(page), position('node.created'));
  assert.match(await slider.getAttribute('aria-valuetext'), /^Created as past-1,/);
  await see(row(page, 'Labels'), 'zone=eu-1');
  await page.keyboard.press('End');
  await page.getByRole('button', { name: 'End drain' }).waitFor();
  assert.equal(asOf(page), null);
  await page.keyboard.press('PageUp');
  await page.keyboard.press('PageDown');
  await see(page, 'As it was');
  assert.ok(Number(await slider.inputValue()) < Number(await slider.getAttribute('max')), 'PageDown goes back');

  // Keys that pass many stops ask for the last of them only.
  await page.keyboard.press('End');
  await page.getByRole('button', { name: 'End drain' }).waitFor();
  const asked = [];
  page.on('request', (request) => request.url().includes(`/nodes/${node.id}?as_of=`) && asked.push(request.url()));
  for (let key = 0; key < 3; key++) await page.keyboard.press('ArrowLeft');
  await until('the third stop', async () => asked.length > 0);
  await until('the third stop shown', async () => (await page.locator('main [aria-busy=true]').count()) === 0);
  assert.ok(asked.length <= 2, `asks for the stop and the one before, not for those that were passed: ${asked.length}`);

  // A link to a moment: what changed is lit, what ran is there with the receipt of its placement, as the API tells it.
  const labelled = position('node.labels_changed');
  await page.goto(`/orgs/${page.org}/nodes/${node.id}?as_of=${encodeURIComponent(labelled)}`);
  await see(row(page, 'Labels'), 'zone=us-2');
  await see(row(page, 'Labels'), 'was zone=eu-1');
  const then = await api(page, 'GET', `/nodes/${node.id}?as_of=${encodeURIComponent(labelled)}`);
  assert.deepEqual([then.labels, then.status.state], [{ zone: 'us-2' }, 'online']);
  const units = page.getByRole('region', { name: 'Workers and services then' });
  await see(units, 'queue');
  await see(units, 'running');
  await see(units, 'Placed here because it was the only node that could take it');

  await page.getByRole('button', { name: 'Back to now' }).first().click();
  await page.getByRole('button', { name: 'End drain' }).waitFor();
  assert.equal(asOf(page), null);
});

/** What the page says of a failure, term by term. */
async function failureOn(page) {
  const section = page.getByRole('region', { name: /^Failed while/ });
  const told = { message: await section.locator('blockquote').innerText() };
  for (const term of ['Step', 'Class', 'Code', 'Request', 'Position']) {
    told[term.toLowerCase()] = await section.locator(`dt:text-is("${term}") + dd`).innerText();
  }
  return told;
}

it.journey('why a provision failed: page, API and spunto-replay agree, and the slice tells it elsewhere without a secret', async () => {
  const page = await it.owner();
  const node = await addRefused(it, page, 'past-2');
  const { secret, key } = await api(page, 'POST', '/keys', { name: 'replay', scopes: ['events:read'], owner: 'org' });

  // From the list, from the node's page and from the stepper.
  await page.goto(`/orgs/${page.org}/nodes`);
  await page.getByRole('link', { name: 'Why did past-2 fail?' }).click();
  await page.getByRole('heading', { level: 1, name: 'Why did past-2 fail?' }).waitFor();
  for (const path of ['', '/provision']) {
    await page.goto(`/orgs/${page.org}/nodes/${node.id}${path}`);
    await page.getByRole('link', { name: 'Why did this fail?' }).click();
    await page.getByRole('heading', { level: 1, name: 'Why did past-2 fail?' }).waitFor();
  }

  const shown = await failureOn(page);
  const story = await api(page, 'GET', `/nodes/${node.id}/story`);
  const { failures } = await askServer({ url: it.server.url, org: page.org, key: secret }, 'failures');
  const told = failures.find(({ id }) => id === node.id);
  const { failure } = story;
  assert.deepEqual(shown, {
    step: 'create_machine',
    class: 'quota',
    message: REFUSAL.message,
    code: REFUSAL.code,
    request: failure.request_id,
    position: failure.position,
  });
  const same = ({ step, class: kind, message, code, position }) => ({ step, class: kind, message, code, position });
  assert.deepEqual(same(failure), same(told));
  assert.deepEqual(same(shown), same(told));
  assert.deepEqual([shown.request, failure.request_id], [told.request_id, told.request_id]);
  // The failing line is set apart, with its time, and leads to the node as it was then.
  await see(page.locator('#failed-step'), 'server limit exceeded');
  await page.locator('#failed-step a').click();
  await see(page, 'As it was');
  await see(row(page, 'Status'), /provisioning failed/);
  await page.goBack();

  // The slice, read by the command that is shown.
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download slice' }).click();
  const download = await coming;
  const command = await page.getByLabel('to read it', { exact: true }).innerText();
  assert.equal(command, `spunto-replay story ${node.id} --file ${download.suggestedFilename()}`);
  const file = join(it.server.directory, download.suggestedFilename());
  await download.saveAs(file);
  const read = await askFile(command.split(' ').slice(1).map((word) => (word === download.suggestedFilename() ? file : word)));
  assert.equal(read.failure.message, REFUSAL.message);
  assert.deepEqual(read.lines.map(({ text }) => text), story.lines.map(({ text }) => text));
  const bytes = readFileSync(file);
  for (const hidden of [it.clouds.credentials.hetzner, secret]) assert.ok(!bytes.includes(hidden), 'the slice holds no secret');
  await api(page, 'DELETE', `/keys/${key.id}`);

  // A node that did not fail has a story, too.
  await page.goto(`/orgs/${page.org}/nodes`);
  await page.getByRole('link', { name: 'past-1', exact: true }).click();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('link', { name: 'Story and slice' }).click();
  await page.getByRole('heading', { level: 1, name: 'The story of past-1' }).waitFor();
  await see(page, /draining: nothing new is placed here/);
});
