// @vitest-environment jsdom
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { ASK_AGAIN_MS, router, type Route } from './router.svelte';

const page = (name: string) => ({ default: Object.assign(() => ({}), { page: name }) });
const late: { resolve: () => void } = { resolve: () => undefined };

const routes: Route[] = [
  { path: '/', load: () => Promise.resolve(page('home')) },
  { path: '/nodes/:node', load: () => Promise.resolve(page('node')) },
  { path: '/late', load: () => new Promise((resolve) => (late.resolve = () => resolve(page('late')))) },
  { path: '/secret', load: () => Promise.resolve(page('secret')) },
  { path: '/lost', load: () => Promise.reject(new TypeError('no answer')) },
  { path: '/sign-in', load: () => Promise.resolve(page('sign-in')), open: true },
];

const shown = () => (router.shown?.page as unknown as { page: string } | undefined)?.page;
const settled = (path: string) => vi.waitFor(() => expect(router.path).toBe(path));

describe('the router', () => {
  beforeAll(() => {
    vi.stubGlobal('scrollTo', vi.fn());
    router.start(routes, (route) => (route?.path === '/secret' ? '/sign-in' : null));
  });

  beforeEach(async () => {
    router.go('/');
    await settled('/');
  });

  it('shows the page of a path with its parameters', async () => {
    router.go('/nodes/nod_a?tab=1');
    await settled('/nodes/nod_a');
    expect([shown(), router.shown?.params, router.query.get('tab')]).toEqual([
      'node',
      { node: 'nod_a' },
      '1',
    ]);
  });

  it('says when there is no such page', async () => {
    router.go('/nonsense');
    await settled('/nonsense');
    expect([router.missing, router.shown]).toEqual([true, null]);
  });

  it('is sent elsewhere by its guard', async () => {
    router.go('/secret');
    await settled('/sign-in');
    expect(location.pathname).toBe('/sign-in');
  });

  it('forgets a page that came too late', async () => {
    router.go('/late');
    router.go('/nodes/nod_b');
    await settled('/nodes/nod_b');
    late.resolve();
    await Promise.resolve();
    expect(shown()).toBe('node');
  });

  it('keeps what is shown while the server is away, and starts afresh when it is back', async () => {
    vi.useFakeTimers();
    const answer = vi.fn<typeof fetch>().mockRejectedValue(new TypeError('away'));
    vi.stubGlobal('fetch', answer);
    const fresh = () => sessionStorage.getItem('spunto.reloaded');
    router.go('/lost');
    await vi.advanceTimersByTimeAsync(ASK_AGAIN_MS * 2 + 1);
    expect([answer.mock.calls.length, shown(), router.loading, fresh()]).toEqual([3, 'home', true, null]);
    answer.mockResolvedValue(new Response(null));
    await vi.advanceTimersByTimeAsync(ASK_AGAIN_MS);
    expect([router.loading, fresh()]).toEqual([false, '1']);
    vi.useRealTimers();
  });

  it('takes over clicks on links of its own, and leaves others alone', async () => {
    document.body.innerHTML =
      '<a id="own" href="/nodes/nod_c">a</a><a id="api" href="/api/docs">b</a><a id="far" href="https://x.example/">c</a>';
    /** Clicks; says whether the router took it over. Comes after the router, and keeps jsdom from following. */
    const click = (id: string, options: MouseEventInit = {}) => {
      let taken = false;
      const after = (event: Event) => {
        taken = event.defaultPrevented;
        event.preventDefault();
      };
      addEventListener('click', after, { once: true });
      document
        .getElementById(id)
        ?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...options }));
      return taken;
    };
    expect(click('api')).toBe(false);
    expect(click('far')).toBe(false);
    expect(click('own', { ctrlKey: true })).toBe(false);
    expect(location.pathname).toBe('/');
    expect(click('own')).toBe(true);
    await settled('/nodes/nod_c');
  });

  it('keeps filters in the address, without a new entry of the history', () => {
    const entries = history.length;
    router.setQuery({ q: 'prod', state: 'online' });
    router.setQuery({ state: null });
    expect([location.search, router.query.get('q'), history.length]).toEqual(['?q=prod', 'prod', entries]);
  });
});
