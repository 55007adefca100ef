// Measures the page of nodes while the fleet reports: the longest task on it, and how long a change takes to be drawn.
// Usage: node measure.mjs URL ORG SECONDS, with the session's cookie on standard input. Prints one line of JSON.
import { createInterface } from 'node:readline';
import { launch, open } from './src/browser.mjs';

const [url, org, seconds] = process.argv.slice(2);
/** Between two changes whose way to the screen is timed. */
const CHANGE_EVERY_MS = 250;

const now = () => performance.timeOrigin + performance.now();

async function cookie() {
  for await (const line of createInterface({ input: process.stdin })) return line.trim();
  throw new Error('no cookie on standard input');
}

/** Runs in the page before anything else of it. */
function watch() {
  window.measured = { longest: 0, updates: 0 };
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) {
      if (window.measured.on) window.measured.longest = Math.max(window.measured.longest, task.duration);
    }
  }).observe({ type: 'longtask' });
}

/** Runs in the page: when the frame that shows this text was drawn. */
function drawn(text) {
  return new Promise((resolve) => {
    const there = () => document.querySelector('main')?.textContent?.includes(text);
    const done = () => {
      observer.disconnect();
      // The task after a frame's callbacks runs when the frame is drawn.
      requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
        after.port2.postMessage(null);
      });
    };
    const observer = new MutationObserver(() => there() && done());
    observer.observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });
    if (there()) done();
  });
}

const session = await cookie();
const browser = await launch();
const page = await open(browser, { url, viewport: { width: 1440, height: 900 } });
const [name, value] = session.split('=');
await page.context().addCookies([{ name, value, url }]);
await page.addInitScript(watch);
await page.goto(`/orgs/${org}/nodes`);
await page.getByRole('row').nth(5).waitFor();

// A stream of the measurement's own counts what the server tells: the page's stream may live in a worker.
await page.evaluate((path) => {
  const stream = new EventSource(path);
  stream.addEventListener('changes', (frame) => {
    if (window.measured.on) window.measured.updates += JSON.parse(frame.data).nodes.length;
  });
  return new Promise((resolve) => stream.addEventListener('open', resolve));
}, `/api/orgs/${org}/live`);
const { items } = await (await page.request.get(`/api/orgs/${org}/nodes?limit=1000`)).json();
const shown = await page.locator('main').textContent();
const visible = items.filter((node) => shown.includes(node.name)).slice(0, 5);
if (visible.length === 0) throw new Error('no node is on the page');

// A planted long task must be seen, or none would ever be.
await page.evaluate(() => {
  window.measured.on = true;
  setTimeout(() => {
    for (const end = performance.now() + 120; performance.now() < end; );
  }, 0);
});
await page.waitForFunction(() => window.measured.longest >= 120);
await page.evaluate(() => (window.measured = { longest: 0, updates: 0, on: true }));
const drawnMs = [];
const end = now() + Number(seconds) * 1000;
for (let change = 0; now() < end; change++) {
  const node = visible[change % visible.length];
  const next = `${node.name}-${change}`;
  const seen = page.evaluate(drawn, next);
  const asked = now();
  const answer = await page.request.patch(`/api/orgs/${org}/nodes/${node.id}`, { data: { name: next }, headers: { 'X-Spunto-Csrf': '1' } });
  if (!answer.ok()) throw new Error(`renaming: ${answer.status()} ${await answer.text()}`);
  drawnMs.push((await seen) - asked);
  await page.waitForTimeout(Math.max(0, CHANGE_EVERY_MS - (now() - asked)));
}
const measured = await page.evaluate(() => window.measured);
await browser.close();
if (page.wrong.length > 0) throw new Error(page.wrong.join('\n'));
console.log(JSON.stringify({ longest_task_ms: measured.longest, updates: measured.updates, drawn_ms: drawnMs }));
