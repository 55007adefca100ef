// A tab's link to the keeper: through a SharedWorker where there is one, else to a keeper of its own.
import { ALIVE_EVERY_MS, type ToKeeper, type ToTab } from './contract';
import { Keeper } from './keeper';

export interface Link {
  watch(org: string): void;
  leave(): void;
}

type Send = (message: ToKeeper) => void;

function connect(receive: (message: ToTab) => void): Send {
  if (typeof SharedWorker === 'function') {
    try {
      const worker = new SharedWorker(new URL('./shared-worker.ts', import.meta.url), {
        type: 'module',
        name: 'spunto-live',
      });
      worker.port.onmessage = (event: MessageEvent<ToTab>) => receive(event.data);
      return (message) => worker.port.postMessage(message);
    } catch {
      // Some browsers have the constructor and refuse its use; the tab then does without.
    }
  }
  const keeper = new Keeper();
  const tab = { post: receive };
  return (message) => keeper.receive(tab, message);
}

/** Opens the link. Messages of organisations other than the watched one may still arrive; each says whose it is. */
export function openLink(receive: (message: ToTab) => void): Link {
  const send = connect(receive);
  let watched: string | null = null;
  const again = () => {
    if (watched !== null) send({ type: 'watch', org: watched });
  };
  setInterval(again, ALIVE_EVERY_MS);
  addEventListener('pagehide', () => send({ type: 'leave' }));
  addEventListener('pageshow', (event) => {
    if (event.persisted) again();
  });
  addEventListener('online', () => send({ type: 'retry' }));
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') send({ type: 'retry' });
  });
  return {
    watch(org) {
      watched = org;
      again();
    },
    leave() {
      watched = null;
      send({ type: 'leave' });
    },
  };
}
