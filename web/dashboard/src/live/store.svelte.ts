// What this tab knows of the organisation it looks at: filled by the live stream alone, read by all pages.
import type { Deployment, Event, Node, Project, Worker } from '../api/types';
import { Batch } from './batch';
import { Collection } from './collection.svelte';
import type { Connection, LiveChanges, ToTab } from './contract';
import { openLink, type Link } from './link';

/** Events kept for the live feed; older ones are read from the server. */
export const RECENT_MAX = 500;

type EventsListener = (events: readonly Event[]) => void;

export class LiveStore {
  readonly nodes = new Collection<Node>();
  readonly workers = new Collection<Worker>();
  readonly deployments = new Collection<Deployment>();
  readonly projects = new Collection<Project>();

  /** The organisation that is watched. */
  org = $state<string | null>(null);
  connection = $state.raw<Connection>({ state: 'connecting' });
  /** Whether a whole snapshot has come: before it, an empty list means nothing. */
  ready = $state(false);
  /** Grows with each snapshot that replaced what was known: events may have been missed, timelines must be read anew. */
  generation = $state(0);
  /** Where the log stands with what is shown. */
  position = $state<string | null>(null);

  #listeners = new Set<EventsListener>();
  #batch = new Batch((changes) => this.apply(changes));
  #link: Link | null = null;
  // Ids of the snapshot that is coming in, until it is complete.
  #snapshot: Set<string> | null = null;

  /** Watches this organisation; what was known of another is forgotten. */
  watch(org: string): void {
    this.#link ??= openLink((message) => this.receive(message));
    if (this.org !== org) this.#forget(org);
    this.#link.watch(org);
  }

  /** Stops watching, as on signing out. */
  leave(): void {
    this.#forget(null);
    this.#link?.leave();
  }

  /** Calls back with events as they happen. Returns how to stop it. */
  onEvents(listener: EventsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  receive(message: ToTab): void {
    if (message.org !== this.org) return;
    if (message.type === 'connection') this.connection = message.connection;
    else this.#batch.add(message.changes);
  }

  apply(changes: LiveChanges): void {
    if (changes.reset) this.#snapshot = new Set();
    if (this.#snapshot) this.#note(changes, this.#snapshot);
    this.nodes.put(changes.nodes);
    this.workers.put(changes.workers);
    this.deployments.put(changes.deployments);
    this.projects.put(changes.projects);
    if (changes.gone.length > 0) this.#collections().forEach((collection) => collection.remove(changes.gone));
    this.position = changes.position;
    if (changes.complete) this.#settle();
    if (changes.events.length > 0) this.#listeners.forEach((listener) => listener(changes.events));
  }

  #note(changes: LiveChanges, ids: Set<string>): void {
    const items = [...changes.nodes, ...changes.workers, ...changes.deployments, ...changes.projects];
    items.forEach((item) => ids.add(item.id));
  }

  #settle(): void {
    const ids = this.#snapshot;
    if (!ids) return;
    this.#snapshot = null;
    this.#collections().forEach((collection) => collection.retain(ids));
    if (this.ready) this.generation += 1;
    this.ready = true;
  }

  #forget(org: string | null): void {
    this.org = org;
    this.ready = false;
    this.position = null;
    this.connection = { state: 'connecting' };
    this.#snapshot = null;
    this.#collections().forEach((collection) => collection.clear());
  }

  #collections(): Pick<Collection<Node>, 'remove' | 'retain' | 'clear'>[] {
    return [this.nodes, this.workers, this.deployments, this.projects];
  }
}

export const live = new LiveStore();
