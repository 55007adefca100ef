// Who is signed in here, and to which organisations they belong.
import { api, onSignedOut, take } from '../api/client';
import { Problem } from '../api/problem';
import type { Org, Role, SignedIn, User } from '../api/types';

export type SessionState = 'unknown' | 'signed_out' | 'signed_in';

class Session {
  state = $state<SessionState>('unknown');
  user = $state.raw<User | null>(null);
  orgs = $state.raw<Org[]>([]);

  /** Asks the server who is signed in. */
  async load(after?: string): Promise<SessionState> {
    try {
      const caller = await take(api.GET('/api/session', { params: { query: { after } } }));
      if ('user' in caller) this.enter(caller);
      else this.leave();
    } catch (failure) {
      if (!(failure instanceof Problem) || failure.status !== 401) throw failure;
      this.leave();
    }
    return this.state;
  }

  /** Takes what a sign-in, a setup or an invitation answered. */
  enter(signedIn: SignedIn): void {
    this.user = signedIn.user;
    this.orgs = [...signedIn.orgs].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
    this.state = 'signed_in';
  }

  /** Nobody is signed in (any more). */
  leave(): void {
    this.user = null;
    this.orgs = [];
    this.state = 'signed_out';
  }

  org(id: string | undefined): Org | null {
    return this.orgs.find((org) => org.id === id) ?? null;
  }

  role(id: string | undefined): Role | null {
    return this.org(id)?.role ?? null;
  }
}

export const session = new Session();
onSignedOut(() => session.leave());
