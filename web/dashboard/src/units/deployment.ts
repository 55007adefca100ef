// How a deployment stands, from how its services stand. Pure.
import type { Deployment } from '../api/types';
import { unitStatus, type Status } from '../words/status';
import { canStart, canStop } from './run';

/** One state for all services: the same word where all agree, else how many run. */
export function deploymentStatus(deployment: Deployment): Status {
  if (deployment.deleting) return { glyph: '▸', word: 'being deleted', tone: 'busy' };
  const each = deployment.services.map((service) => unitStatus(service.status, service.reachable));
  const first = each[0];
  if (!first) return { glyph: '·', word: 'empty', tone: 'idle' };
  if (each.every((status) => status.word === first.word)) return first;
  const running = each.filter((status) => status.tone === 'ok').length;
  const tone = each.some((status) => status.tone === 'bad')
    ? 'bad'
    : each.some((status) => status.tone === 'busy')
      ? 'busy'
      : 'warn';
  const glyph = { bad: '✗', busy: '▸', warn: '▾' }[tone];
  const detail = deployment.services
    .map((service, index) => `${service.name}: ${each[index]?.word}`)
    .join(', ');
  return { glyph, word: `${running} of ${each.length} run`, tone, detail };
}

/** Whether any of its services can be stopped. */
export function anyStops(deployment: Deployment): boolean {
  return !deployment.deleting && deployment.services.some((service) => canStop(service.status));
}

/** Whether any of its services can be started. */
export function anyStarts(deployment: Deployment): boolean {
  return !deployment.deleting && deployment.services.some((service) => canStart(service.status));
}
