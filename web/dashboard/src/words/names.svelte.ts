// Names of ids: of nodes, workers and projects from the live store, of people and keys by asking once an organisation.
import { api, take } from '../api/client';
import { readAll } from '../api/pages';
import { Problem } from '../api/problem';
import type { CloudCredential, Event, Key, Member } from '../api/types';
import { live } from '../live/store.svelte';
import { denial } from '../session/access';
import { session } from '../session/session.svelte';

const FIXED: Readonly<Record<string, string>> = { system: 'the control plane', operator: 'the operator' };
/** How long to wait before people are asked for again when the server did not answer, in milliseconds. */
const READ_AGAIN_MS = 5_000;
const NAMED_CHANGED = /^(member|invitation|user|api_key|credential)\./;

class Names {
  members = $state.raw<Member[]>([]);
  keys = $state.raw<Key[]>([]);
  #known = $state.raw<ReadonlyMap<string, string>>(new Map());
  #org: string | null = null;

  /** Learns the people and keys of an organisation, and goes on learning when they change. */
  learn(org: string): () => void {
    if (this.#org !== org) {
      this.#org = org;
      this.#known = new Map();
      void this.#read(org);
    }
    return live.onEvents((events) => {
      if (events.some((event: Event) => NAMED_CHANGED.test(event.kind))) void this.#read(org);
    });
  }

  /** The name of anything that events speak of. Reactive. An unknown id is its own name. */
  of = (id: string): string => {
    const fixed = FIXED[id] ?? this.#known.get(id);
    if (fixed !== undefined) return fixed;
    switch (id.slice(0, 4)) {
      case 'nod_':
        return live.nodes.get(id)?.name ?? id;
      case 'wkr_':
        return live.workers.get(id)?.name ?? id;
      case 'dep_':
        return live.deployments.get(id)?.name ?? id;
      case 'prj_':
        return live.projects.get(id)?.name ?? id;
      case 'svc_':
        return serviceName(id) ?? id;
      case 'org_':
        return session.org(id)?.name ?? id;
      default:
        return id === session.user?.id ? session.user.name : id;
    }
  };

  #readIfStill(org: string): void {
    if (this.#org === org) void this.#read(org);
  }

  async #readCredentials(org: string): Promise<CloudCredential[]> {
    const read = (cursor: string | undefined) =>
      take(api.GET('/api/orgs/{org}/credentials', { params: { path: { org }, query: { cursor } } }));
    return (await readAll(read)).items;
  }

  async #read(org: string): Promise<void> {
    const path = { org };
    try {
      const members = await readAll((cursor) =>
        take(api.GET('/api/orgs/{org}/members', { params: { path, query: { cursor } } })),
      );
      const mayReadKeys = denial(session.role(org), 'keys:read') === null;
      const keys = mayReadKeys
        ? await readAll((cursor) =>
            take(api.GET('/api/orgs/{org}/keys', { params: { path, query: { cursor } } })),
          )
        : { items: [] };
      const credentials = mayReadKeys ? await this.#readCredentials(org) : [];
      if (this.#org !== org) return;
      this.members = members.items;
      this.keys = keys.items;
      const people = members.items.map((member) => [member.user, member.name || member.email] as const);
      this.#known = new Map([
        ...people,
        ...keys.items.map((key) => [key.id, `key ${key.name}`] as const),
        ...credentials.map((credential) => [credential.id, credential.name] as const),
      ]);
    } catch (failure) {
      // Until then ids stand in for names.
      if (failure instanceof Problem && failure.status === 0)
        setTimeout(() => this.#readIfStill(org), READ_AGAIN_MS);
    }
  }
}

function serviceName(id: string): string | undefined {
  for (const deployment of live.deployments.all()) {
    const service = deployment.services.find((one) => one.id === id);
    if (service) return service.name;
  }
  return undefined;
}

export const names = new Names();
