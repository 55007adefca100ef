// Gathers changes between two frames of the screen, so that each is applied in one go and no burst makes a long task.
import type { LiveChanges } from './contract';

/** How long changes wait in a tab that nobody sees, in milliseconds: it has no frames. */
const HIDDEN_MS = 1_000;

/** Lays a later change over an earlier one: what is newer wins, a reset forgets what was before it. */
export function merge(earlier: LiveChanges | null, later: LiveChanges): LiveChanges {
  if (!earlier || later.reset) return later;
  const gone = new Set(later.gone);
  const over = <T extends { id: string }>(old: T[], fresh: T[]): T[] => {
    const all = new Map(old.filter((item) => !gone.has(item.id)).map((item) => [item.id, item]));
    fresh.forEach((item) => all.set(item.id, item));
    return [...all.values()];
  };
  return {
    reset: earlier.reset,
    complete: earlier.complete || later.complete,
    position: later.position,
    events: [...earlier.events, ...later.events],
    nodes: over(earlier.nodes, later.nodes),
    workers: over(earlier.workers, later.workers),
    deployments: over(earlier.deployments, later.deployments),
    projects: over(earlier.projects, later.projects),
    gone: [...earlier.gone, ...later.gone],
  };
}

/** Calls `apply` at most once a frame, with everything since. */
export class Batch {
  #waiting: LiveChanges | null = null;
  #due = false;

  constructor(readonly apply: (changes: LiveChanges) => void) {}

  add(changes: LiveChanges): void {
    this.#waiting = merge(this.#waiting, changes);
    if (this.#due) return;
    this.#due = true;
    // A hidden tab gets no frames: the timer is there for it. Whichever comes first takes the other back.
    const timer = setTimeout(() => this.#flush(frame, timer), HIDDEN_MS);
    const frame = requestAnimationFrame(() => this.#flush(frame, timer));
  }

  #flush(frame: number, timer: ReturnType<typeof setTimeout>): void {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    this.#due = false;
    const changes = this.#waiting;
    this.#waiting = null;
    if (changes) this.apply(changes);
  }
}
