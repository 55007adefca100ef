// What every journey stands on: a fresh server, a browser, and a page with the first owner signed in. All of it is gone at the end.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { launch, open } from './browser.mjs';
import { Clouds } from './cloud.mjs';
import { gateway, removeNode } from './engine.mjs';
import { REPOSITORY, Server } from './server.mjs';

export const OWNER = { email: 'ada@example.com', name: 'Ada', password: 'correct horse battery' };

/**
 * Declares a stage for the tests of a file; `docker` makes the server reachable from containers, `clouds` gives it clouds whose
 * machines run for real, `refusing` clouds whose quota is used up, `clock` gives the server one that can be put forward.
 */
export function stage({ docker = false, flags = [], clouds = false, refusing = false, clock = false } = {}) {
  const it = { nodes: [], pages: [] };
  before(async () => {
    if (clouds || refusing) it.clouds = await Clouds.start();
    if (refusing) await it.clouds.trouble('hetzner', 'quota');
    const host = docker || clouds ? await gateway() : '127.0.0.1';
    it.server = await Server.fresh({ host, flags: [...flags, ...(it.clouds?.flags ?? [])], clock });
    it.browser = await launch();
  });
  after(async () => {
    await it.browser?.close();
    // The agents go first: a server that is away would only make them wait.
    for (const { container, node } of it.nodes) await removeNode(container, node());
    await it.clouds?.end();
    await it.server?.end();
  });

  /** A page in a browser of its own. */
  it.open = async (options = {}) => {
    const page = await open(it.browser, { url: it.server.url, ...options });
    it.pages.push(page);
    return page;
  };

  /** A page with the first owner signed in; makes them where there is none. */
  it.owner = async (options = {}) => {
    const page = await it.open(options);
    const { needed } = await (await page.request.get('/api/setup')).json();
    const headers = { 'X-Spunto-Csrf': '1' };
    const answer = needed
      ? await page.request.post('/api/setup', { data: { ...OWNER, token: (await it.server.link()).split('#')[1] }, headers })
      : await page.request.post('/api/session', { data: { email: OWNER.email, password: OWNER.password }, headers });
    assert.ok(answer.ok(), `${answer.status()} ${await answer.text()}`);
    page.org = (await (await page.request.get('/api/orgs')).json()).items[0].id;
    return page;
  };

  /** A container to be removed at the end, with everything of its node. */
  it.adopt = (container, node) => it.nodes.push({ container, node });

  /** A test that leaves pictures of its pages in target/journeys when it fails, and in which nothing may go wrong on any page. */
  it.journey = (name, walk) =>
    test(name, async (context) => {
      if (clouds && it.clouds.missing) return context.skip(it.clouds.missing);
      it.pages.length = 0;
      try {
        await walk();
        assert.deepEqual(it.pages.flatMap((page) => page.wrong), []);
      } catch (failure) {
        await pictures(name, it.pages);
        console.error(it.server?.log().split('\n').slice(-15).join('\n'));
        if (it.clouds) console.error(await it.clouds.tell('last_words').catch((error) => error));
        throw failure;
      }
    });
  return it;
}

async function pictures(name, pages) {
  const into = join(REPOSITORY, 'target/journeys');
  mkdirSync(into, { recursive: true });
  for (const [number, page] of pages.entries()) {
    const path = join(into, `${name.replace(/\W+/g, '-').slice(0, 60)}-${number}.png`);
    await page.screenshot({ path }).catch(() => {});
    console.error(`${page.url()}: ${path}`, page.wrong);
  }
}

/** Sends a request as the page's user; the answer's body. */
export async function api(page, method, path, data) {
  const answer = await page.request.fetch(`/api/orgs/${page.org}${path}`, { method, data, headers: { 'X-Spunto-Csrf': '1' } });
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? null : answer.json();
}

/** The input with this label; required ones and optional ones are named alike. */
export const field = (scope, label) => scope.getByLabel(label, { exact: false }).first();

/** Waits until the page shows this text. */
export const see = (scope, text) => scope.getByText(text).first().waitFor();

/** A name that no other run uses. */
export const unique = (what) => `${what}-${Math.random().toString(36).slice(2, 8)}`;
