// What a timeline tells of a unit besides its entries. Pure.
import type { Event } from '../api/types';

/**
 * How often Docker has restarted a unit since it was last started by order; `service` picks one service of a deployment.
 * Each event tells the count so far, so the newest says it all; none where what was read does not reach back to one.
 */
export function restartsIn(newestFirst: readonly Event[], service?: string): number | null {
  for (const event of newestFirst) {
    switch (event.kind) {
      case 'worker.restarting':
        return event.payload.run.restarts;
      case 'service.restarting':
        if (event.payload.service === service) return event.payload.run.restarts;
        break;
      case 'worker.created':
      case 'worker.start_requested':
      case 'deployment.created':
        return 0;
      case 'deployment.start_requested':
        if (event.payload.orders.some((order) => order.service === service)) return 0;
    }
  }
  return null;
}
