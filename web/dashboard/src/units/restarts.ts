// How often Docker has started a container again, as its timeline tells. Pure.
import type { Event } from '../api/types';

/** The highest count that was told; `service` picks one service of a deployment. */
export function restartsIn(events: readonly Event[], service?: string): number {
  let most = 0;
  for (const event of events) {
    if (event.kind !== 'worker.restarting' && event.kind !== 'service.restarting') continue;
    if (service !== undefined && (!('service' in event.payload) || event.payload.service !== service))
      continue;
    most = Math.max(most, event.payload.run.restarts);
  }
  return most;
}
