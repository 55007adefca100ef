import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Connection, LiveChanges } from './contract';
import { OrgStream, RETRY_MAX_MS, SILENCE_MAX_MS } from './stream';

const changes = (parts: Partial<LiveChanges> = {}): LiveChanges => ({
  reset: false,
  complete: true,
  position: 'a.0.1',
  events: [],
  nodes: [],
  workers: [],
  deployments: [],
  projects: [],
  gone: [],
  ...parts,
});

/** A server whose answers the test writes: each connection is one of `asked`. */
class Server {
  asked: { headers: Record<string, string>; send: (text: string) => void; end: () => void }[] = [];
  status = 200;

  get: typeof fetch = (_, init) => {
    const headers = init?.headers as Record<string, string>;
    if (this.status !== 200) return Promise.resolve(new Response(null, { status: this.status }));
    return new Promise((resolve) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          const send = (text: string) => controller.enqueue(new TextEncoder().encode(text));
          init?.signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
          this.asked.push({ headers, send, end: () => controller.close() });
        },
      });
      resolve({ ok: true, status: 200, body } as Response);
    });
  };
}

const frame = (parts: Partial<LiveChanges>, id?: string) =>
  `${id ? `id: ${id}\n` : ''}event: changes\ndata: ${JSON.stringify(changes(parts))}\n\n`;

describe('a stream', () => {
  let server: Server;
  let stream: OrgStream;
  let states: string[];
  let got: LiveChanges[];

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    states = [];
    got = [];
    const tell = {
      changes: (one: LiveChanges) => void got.push(one),
      connection: (one: Connection) =>
        void states.push(one.state === 'ended' ? `ended: ${one.reason}` : one.state),
    };
    stream = new OrgStream('org_a', tell, server.get);
  });

  afterEach(() => {
    stream.close();
    vi.useRealTimers();
  });

  const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

  it('is live with the end of the snapshot, and resumes from what it has seen', async () => {
    await settle();
    server.asked[0]!.send(frame({ reset: true, complete: false }, 'a.0.7'));
    await settle();
    expect(states).toEqual(['connecting']);
    server.asked[0]!.send(frame({}, 'a.0.7') + ': quiet\nid: a.0.9\n\n');
    await settle();
    expect(states).toEqual(['connecting', 'live']);
    server.asked[0]!.end();
    await settle(RETRY_MAX_MS);
    expect(server.asked[1]!.headers['Last-Event-ID']).toBe('a.0.9');
    expect(states).toEqual(['connecting', 'live', 'reconnecting', 'live']);
    expect(got).toHaveLength(2);
  });

  it('asks for everything again when it was cut off within a snapshot', async () => {
    await settle();
    server.asked[0]!.send(frame({ reset: true, complete: false }, 'a.0.7'));
    await settle();
    server.asked[0]!.end();
    await settle(RETRY_MAX_MS);
    expect(server.asked[1]!.headers['Last-Event-ID']).toBeUndefined();
    expect(states).toEqual(['connecting', 'reconnecting']);
  });

  it('takes long silence for a lost connection', async () => {
    await settle();
    server.asked[0]!.send(frame({ reset: true }, 'a.0.7'));
    await settle(SILENCE_MAX_MS - 1);
    expect(server.asked).toHaveLength(1);
    await settle(RETRY_MAX_MS);
    expect(server.asked).toHaveLength(2);
  });

  it('ends when it may not be seen any more', async () => {
    await settle();
    server.status = 401;
    server.asked[0]!.end();
    await settle(RETRY_MAX_MS);
    expect(states.at(-1)).toBe('ended: signed_out');
    const asked = server.asked.length;
    await settle(60_000);
    expect(server.asked).toHaveLength(asked);
  });
});
