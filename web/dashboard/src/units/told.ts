// What a timeline tells of a unit besides its entries. Pure.
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

/** The name that it was made with; none where its beginning is not known. */
export function nameIn(events: readonly Event[]): string | null {
  for (const event of events) {
    if (event.kind === 'worker.created' || event.kind === 'deployment.created') return event.payload.name;
  }
  return null;
}
