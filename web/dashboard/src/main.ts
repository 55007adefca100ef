// Starts the dashboard: finds out who is signed in, then shows the page of the present path.
import { mount } from 'svelte';

import App from './App.svelte';
import { wordsOf } from './api/problem';
import { paths } from './paths';
import { router } from './router/router.svelte';
import { routes } from './routes';
import { session } from './session/session.svelte';
import { announcer } from './ui/announce.svelte';
import { theme } from './ui/theme.svelte';

/** How long to wait before asking again who is signed in, when the server does not answer, in milliseconds. */
const ASK_AGAIN_MS = 2_000;

async function whoIsThere(): Promise<void> {
  for (;;) {
    try {
      await session.load();
      return;
    } catch (failure) {
      if (announcer.toasts.length === 0) announcer.toast(wordsOf(failure), 'bad');
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

theme.show();
const target = document.getElementById('app');
target?.replaceChildren();
if (target) mount(App, { target });
const answered = whoIsThere();
// Setup and invitation need nobody to be signed in, and must not wait.
const open = routes.some((route) => route.open && route.path === location.pathname);
if (!open || location.pathname === '/sign-in') await answered;
announcer.toasts = [];
router.start(routes, (route) => {
  if (session.state !== 'signed_out' || route?.open) return null;
  return paths.signIn(location.pathname + location.search);
});
