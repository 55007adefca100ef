// Every page, light and dark: no serious finding of axe, nothing wider than a phone, one heading, a title of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { api, stage } from '../src/stage.mjs';
import { populate } from '../src/tour.mjs';

const it = stage({ docker: true, refusing: true });
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SERIOUS = ['serious', 'critical'];

/** Runs axe in the page; the content policy forbids injected scripts, so it is evaluated by the browser's debugger. */
async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations.filter((violation) => SERIOUS.includes(violation.impact));
  return grave.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' | ').slice(0, 400)}`);
}

async function settled(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"], .skeleton'));
}

it.journey('no serious finding on any page, light and dark, wide and as on a phone', async () => {
  const owner = await it.owner();
  const signedOut = ['sign-in', 'setup', 'invitation'].map((name) => ({ name, path: `/${name}`, signedOut: true }));
  const pages = [...(await populate(it, owner)), ...signedOut];
  const wrong = [];
  const titles = new Map();
  for (const colorScheme of ['light', 'dark']) {
    const signedIn = await it.owner({ colorScheme, viewport: { width: 1280, height: 800 } });
    const nobody = await it.open({ colorScheme, viewport: { width: 1280, height: 800 } });
    for (const { name, path, signedOut } of pages) {
      const page = signedOut ? nobody : signedIn;
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(path);
      await settled(page);
      wrong.push(...(await findings(page)).map((finding) => `${name}, ${colorScheme}: ${finding}`));
      titles.set(await page.title(), name);
      assert.equal(await page.locator('h1').count(), 1, `${name} has one heading`);
      await page.setViewportSize({ width: 360, height: 740 });
      await settled(page);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wider > 0) wrong.push(`${name}, ${colorScheme}: ${wider} px wider than a phone`);
      wrong.push(...(await findings(page)).map((finding) => `${name}, ${colorScheme}, phone: ${finding}`));
    }
  }
  assert.deepEqual([...new Set(wrong)], []);
  assert.equal(titles.size, pages.length, `every page has a title of its own: ${[...titles.keys()].join(', ')}`);
});

/** Every dialog, and how it is opened. */
const DIALOGS = [
  { page: 'node', open: 'Drain' },
  { page: 'node', open: 'Maintenance' },
  { page: 'node', more: 'Rotate token' },
  { page: 'node', more: 'Rename' },
  { page: 'node', more: 'Delete' },
  { page: 'projects', open: 'New project' },
  { page: 'worker', open: 'Stop' },
  { page: 'worker', open: 'Delete' },
  { page: 'settings', open: 'Invite' },
  { page: 'settings', open: 'New key' },
  { page: 'settings', open: 'Revoke ci' },
];

it.journey('no serious finding in any dialog, nor where a command is shown, light and dark', async () => {
  const owner = await it.owner();
  const nodes = (await api(owner, 'GET', '/nodes')).items;
  const project = (await api(owner, 'GET', '/projects')).items.find(({ name }) => name === 'default').id;
  const worker = (await api(owner, 'GET', '/workers')).items.find(({ name }) => name === 'web').id;
  const org = `/orgs/${owner.org}`;
  const paths = {
    node: `${org}/nodes/${nodes.find(({ name }) => name === 'prod-eu-1').id}`,
    projects: `${org}/projects`,
    worker: `${org}/projects/${project}/workers/${worker}`,
    settings: `${org}/settings`,
  };
  const wrong = [];
  for (const colorScheme of ['light', 'dark']) {
    const page = await it.owner({ colorScheme });
    for (const { page: where, open, more } of DIALOGS) {
      await page.goto(paths[where]);
      await settled(page);
      if (more) await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('button', { name: more ?? open, exact: !more }).first().click();
      await page.getByRole('dialog').waitFor();
      wrong.push(...(await findings(page)).map((finding) => `${where}, ${more ?? open}, ${colorScheme}: ${finding}`));
    }
    await page.goto(`${org}/nodes/new`);
    await settled(page);
    await page.getByLabel('Name', { exact: false }).first().fill(`shown-${colorScheme}`);
    await page.getByRole('button', { name: 'Create node', exact: true }).click();
    await page.getByText('it is not shown again').first().waitFor();
    wrong.push(...(await findings(page)).map((finding) => `command shown, ${colorScheme}: ${finding}`));
  }
  assert.deepEqual([...new Set(wrong)], []);
});
