// Adding a node without a mouse: every step by keys, the focus always where one expects it, and always to be seen.
import assert from 'node:assert/strict';
import { see, stage } from '../src/stage.mjs';

const it = stage();
/** More stops than any page has. */
const STOPS_MAX = 60;

/** What has the focus, as a screen reader would say it, and whether one sees that it has. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const ringed = [element, element.parentElement].some((one) => {
      const of = getComputedStyle(one);
      return of.outlineStyle !== 'none' && parseFloat(of.outlineWidth) > 0;
    });
    const name = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent ?? '';
    return { name: name.trim().replace(/\s+/g, ' '), tag: element.tagName, ringed, hidden: style.visibility === 'hidden' };
  });

/** Presses Tab until the focus is on something so named. */
async function tabTo(page, name) {
  const passed = [];
  for (let stop = 0; stop < STOPS_MAX; stop++) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    if (now.tag === 'BODY') continue;
    assert.ok(now.ringed && !now.hidden, `the focus on "${now.name}" (${now.tag}) is seen`);
    if (name.test(now.name)) return;
    passed.push(now.name.slice(0, 40));
  }
  throw new Error(`${name} is not reached; passed: ${passed.join(' | ')}`);
}

/** A new page takes the focus to its heading, so that it is read out; what comes next goes on from there. */
const arrived = (page, title) =>
  page.waitForFunction((text) => document.activeElement?.matches('h1') && document.activeElement.textContent.includes(text), title);

it.journey('a node is added by keys alone', async () => {
  const page = await it.owner();
  await page.goto(`/orgs/${page.org}/nodes`);
  await see(page, 'No node yet');
  await page.keyboard.press('Tab');
  assert.match((await focused(page)).name, /skip/i, 'the first stop leads past the navigation');
  await page.keyboard.press('Enter');
  await tabTo(page, /^Add node$/);
  await page.keyboard.press('Enter');
  await arrived(page, 'Add node');
  await tabTo(page, /^Manual/);
  await tabTo(page, /^Name/);
  await page.keyboard.type('Wrong Name');
  await page.keyboard.press('Enter');
  await see(page, /Lower-case letters, digits and hyphens; starts/);
  assert.match((await focused(page)).name, /^Name/, 'the mistake has the focus');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('by-keys');
  await page.keyboard.press('Enter');
  await see(page, 'it is not shown again');
  await tabTo(page, /copy/i);
  await page.keyboard.press('Enter');
  await see(page, /copied/i);
  await tabTo(page, /^Go to by-keys$/);
  await page.keyboard.press('Enter');
  await arrived(page, 'by-keys');
  // A dialog keeps the focus, and gives it back.
  await tabTo(page, /^Maintenance$/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  for (let stop = 0; stop < 8; stop++) {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest('dialog')), true);
  }
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.match((await focused(page)).name, /^Maintenance$/);
});
