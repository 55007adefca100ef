// The SharedWorker: one keeper, so one stream, for all tabs of this browser.
import type { ToKeeper } from './contract';
import { Keeper, type Tab } from './keeper';

const keeper = new Keeper();

// The worker's own global type is not among the DOM's.
const scope = self as unknown as { onconnect: ((event: MessageEvent) => void) | null };

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  const tab: Tab = { post: (message) => port.postMessage(message) };
  port.onmessage = (message: MessageEvent<ToKeeper>) => keeper.receive(tab, message.data);
};
