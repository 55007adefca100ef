// The present, once a second for everybody who shows a relative time, corrected by what the server's clock says.
import { onServerTime } from '../api/client';

/** Differences below this are rounding and travel time, in milliseconds: the Date header counts whole seconds. */
const SKEW_IGNORED_MS = 5_000;

class Now {
  /** Milliseconds since 1970 by the server's clock. */
  ms = $state(Date.now());
  #skew = 0;

  constructor() {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.#tick();
    }, 1_000);
    document.addEventListener('visibilitychange', () => this.#tick());
    onServerTime((serverMs) => {
      const skew = serverMs - Date.now();
      this.#skew = Math.abs(skew) > SKEW_IGNORED_MS ? skew : 0;
    });
  }

  /** The present by the server's clock, to the millisecond, without waking anybody. */
  exact(): number {
    return Date.now() + this.#skew;
  }

  #tick(): void {
    this.ms = this.exact();
  }
}

export const now = new Now();
