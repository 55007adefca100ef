// Keeps one stream an organisation for all tabs that watch it. Runs in a SharedWorker, or in the tab where there is none.
import { GONE_AFTER_MS, type Connection, type ToKeeper, type ToTab } from './contract';
import { Fold } from './fold';
import { OrgStream } from './stream';

/** A tab, as the keeper sees it. */
export interface Tab {
  post(message: ToTab): void;
}

interface Watched {
  stream: OrgStream;
  fold: Fold;
  connection: Connection;
}

interface Watcher {
  org: string;
  seen: number;
}

type Open = (org: string, tell: ConstructorParameters<typeof OrgStream>[1]) => OrgStream;

export class Keeper {
  #orgs = new Map<string, Watched>();
  #tabs = new Map<Tab, Watcher>();
  #open: Open;

  constructor(open: Open = (org, tell) => new OrgStream(org, tell)) {
    this.#open = open;
  }

  receive(tab: Tab, message: ToKeeper, now = Date.now()): void {
    if (message.type === 'watch') this.#watch(tab, message.org, now);
    else if (message.type === 'leave') this.#leave(tab);
    else this.#orgs.forEach((watched) => watched.stream.retry());
    this.#sweep(now);
  }

  #watch(tab: Tab, org: string, now: number): void {
    const before = this.#tabs.get(tab);
    if (before && before.org !== org) this.#leave(tab);
    const known = before?.org === org;
    this.#tabs.set(tab, { org, seen: now });
    const watched = this.#orgs.get(org);
    if (!watched || watched.connection.state === 'ended') this.#start(org);
    else if (!known) this.#catchUp(tab, org, watched);
  }

  #catchUp(tab: Tab, org: string, watched: Watched): void {
    const changes = watched.fold.snapshot();
    if (changes) tab.post({ type: 'changes', org, changes });
    tab.post({ type: 'connection', org, connection: watched.connection });
  }

  #start(org: string): void {
    const fold = new Fold();
    const tell = {
      changes: (changes: Parameters<Fold['apply']>[0]) => {
        fold.apply(changes);
        this.#toWatchers(org, { type: 'changes', org, changes });
      },
      connection: (connection: Connection) => {
        const watched = this.#orgs.get(org);
        if (watched) watched.connection = connection;
        this.#toWatchers(org, { type: 'connection', org, connection });
      },
    };
    const stream = this.#open(org, tell);
    this.#orgs.set(org, { stream, fold, connection: { state: 'connecting' } });
  }

  #toWatchers(org: string, message: ToTab): void {
    for (const [tab, watcher] of this.#tabs) if (watcher.org === org) tab.post(message);
  }

  #leave(tab: Tab): void {
    const watcher = this.#tabs.get(tab);
    if (!watcher) return;
    this.#tabs.delete(tab);
    if ([...this.#tabs.values()].some((other) => other.org === watcher.org)) return;
    this.#orgs.get(watcher.org)?.stream.close();
    this.#orgs.delete(watcher.org);
  }

  /** A tab that crashed said no farewell; its next sign of life would make it known again. */
  #sweep(now: number): void {
    for (const [tab, watcher] of this.#tabs) if (now - watcher.seen > GONE_AFTER_MS) this.#leave(tab);
  }
}
