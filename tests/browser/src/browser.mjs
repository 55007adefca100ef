// A real Chromium, and pages in it that fail their test when anything goes wrong on them.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.SPUNTO_CHROMIUM ?? '/usr/bin/chromium';
/** Becomes Chromium, and keeps it from giving up what it asks for whenever an engine makes a network. */
const CALM = fileURLToPath(new URL('calm.py', import.meta.url));
/** How long anything may take that should take a moment: the machines of CI are slow. */
export const SOON_MS = Number(process.env.SPUNTO_SOON_MS ?? 60_000);
// The machine may have no way out: without these, Chromium calls home all the time.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launch() {
  return chromium.launch({ executablePath: CALM, headless: true, args: FLAGS, env: { ...process.env, CALM_PROGRAM: CHROMIUM } });
}

/**
 * A page in a context of its own. Every error on it is kept in `page.wrong`: exceptions, refusals of the content policy, and
 * requests to other places. What a test provokes on purpose (a refused call) is no error.
 */
export async function open(browser, { url, ...options }) {
  const context = await browser.newContext({ baseURL: url, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(SOON_MS);
  const page = await context.newPage();
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(`exception: ${error.stack ?? error}`));
  page.on('console', (message) => {
    const text = message.text();
    const provoked = text.startsWith('Failed to load resource') || text.includes('net::ERR_');
    // What a test evaluates in the page has no address: axe sets styles that the page's policy refuses.
    const ours = message.location().url !== '';
    if (message.type() === 'error' && ours && !provoked) page.wrong.push(`console, on ${new URL(page.url()).pathname}: ${text} (${message.location().url}:${message.location().lineNumber})`);
  });
  page.on('request', (request) => {
    const to = request.url();
    if (!to.startsWith(`${url}/`) && !to.startsWith('data:') && !to.startsWith('blob:')) page.wrong.push(`asks elsewhere: ${to}`);
  });
  return page;
}
