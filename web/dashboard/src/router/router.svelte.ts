// Where the browser is: real paths through the History API, one page component at a time, loaded when it is first needed.
import { tick, type Component } from 'svelte';

import { match, type Params } from './match';

/** A page's component takes the parameters of its path. */
export type Page = Component<{ params: Params }>;

export interface Route {
  path: string;
  /** Its default export is a {@link Page}; not typed as one, because a page may do without the parameters. */
  load: () => Promise<{ default: unknown }>;
  /** Whether it is shown without anybody being signed in. */
  open?: boolean;
}

interface Shown {
  route: Route;
  page: Page;
  params: Params;
}

type Guard = (route: Route | null, path: string) => string | null;

const RELOADED = 'spunto.reloaded';
/** How long to wait before asking again whether the server is back, in milliseconds. */
export const ASK_AGAIN_MS = 1_000;

class Router {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  shown = $state.raw<Shown | null>(null);
  /** Whether a page is on its way for so long that it should be said. */
  loading = $state(false);
  missing = $state(false);

  #routes: readonly Route[] = [];
  #guard: Guard = () => null;
  #turn = 0;

  /** Starts routing; `guard` may send elsewhere. */
  start(routes: readonly Route[], guard: Guard): void {
    this.#routes = routes;
    this.#guard = guard;
    addEventListener('popstate', () => void this.#show(false));
    document.addEventListener('click', (event) => this.#follow(event));
    void this.#show(false);
  }

  /** Goes to a path of ours, as a new entry of the history. */
  go(path: string, options: { replace?: boolean } = {}): void {
    if (options.replace) history.replaceState(null, '', path);
    else history.pushState(null, '', path);
    void this.#show(true);
  }

  /** Looks at the present path again, as after signing in. */
  again(): void {
    void this.#show(false);
  }

  /** Changes the query without a new entry of the history; empty values are left out. */
  setQuery(changes: Readonly<Record<string, string | null>>): void {
    const query = new URLSearchParams(this.query);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(key);
      else query.set(key, value);
    }
    this.query = query;
    const text = query.toString();
    history.replaceState(history.state, '', location.pathname + (text ? `?${text}` : '') + location.hash);
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target !== '' || link.hasAttribute('download')) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
    if (url.pathname === location.pathname && url.search === location.search && url.hash !== '') return;
    event.preventDefault();
    this.go(url.pathname + url.search + url.hash);
  }

  #find(path: string): { route: Route; params: Params } | null {
    for (const route of this.#routes) {
      const params = match(route.path, path);
      if (params) return { route, params };
    }
    return null;
  }

  async #show(forward: boolean): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const path = location.pathname;
    const found = this.#find(path);
    const elsewhere = this.#guard(found?.route ?? null, path);
    if (elsewhere !== null) return this.go(elsewhere, { replace: true });
    const slow = setTimeout(() => (this.loading = turn === this.#turn), 200);
    try {
      const page = found ? ((await found.route.load()).default as Page) : null;
      if (turn !== this.#turn) return;
      await this.#swap(path, found, page, forward);
    } catch {
      await this.#startAfresh(turn);
    } finally {
      clearTimeout(slow);
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** Where the server is away, a fresh start would lose what is still shown: it waits, unless somebody goes elsewhere. */
  async #startAfresh(turn: number): Promise<void> {
    while (turn === this.#turn && !(await serverAnswers())) {
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
    if (turn === this.#turn) reloadOnce();
  }

  async #swap(
    path: string,
    found: { route: Route; params: Params } | null,
    page: Page | null,
    forward: boolean,
  ): Promise<void> {
    const first = this.shown === null && !this.missing;
    const moved = path !== this.path;
    this.path = path;
    this.query = new URLSearchParams(location.search);
    this.missing = page === null;
    this.shown = found && page ? { ...found, page } : null;
    sessionStorage.removeItem(RELOADED);
    await tick();
    if (forward) scrollTo(0, 0);
    // On the first page the browser's own order of focus starts at the top, as everywhere.
    if (!first && moved) focusHeading();
  }
}

/** Screen readers start reading a new page at its heading. */
export function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('main h1');
  if (heading && !document.querySelector('main')?.contains(document.activeElement))
    heading.focus({ preventScroll: true });
}

async function serverAnswers(): Promise<boolean> {
  return fetch(location.pathname, { method: 'HEAD', cache: 'no-store' }).then(
    (answer) => answer.ok,
    () => false,
  );
}

/** A page that can't be loaded is mostly one of an older version of the server: a fresh start finds the new one. */
function reloadOnce(): void {
  if (sessionStorage.getItem(RELOADED) !== null) return;
  sessionStorage.setItem(RELOADED, '1');
  location.reload();
}

export const router = new Router();
