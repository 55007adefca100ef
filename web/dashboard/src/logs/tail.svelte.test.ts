import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { Problem } from '../api/problem';
import { LogTail, type Open } from './tail.svelte';

const textOf = (tail: LogTail) =>
  [...tail.blocks.flatMap((block) => [...block.pieces]), ...tail.unfinished]
    .map((piece) => piece.text)
    .join('');

function source() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) });
  const open = vi.fn<Open>((_, signal) => {
    signal.addEventListener('abort', () => controller.error(new DOMException('', 'AbortError')));
    return Promise.resolve(stream);
  });
  const write = (text: string) => controller.enqueue(new TextEncoder().encode(text));
  return { open, write, end: () => controller.close(), fail: () => controller.error(new Error('gone')) };
}

// Frames of a screen that nobody looks at.
beforeAll(() => {
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => setTimeout(draw, 0));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => clearTimeout(id));
});
afterAll(() => vi.unstubAllGlobals());

describe('an output that is followed', () => {
  it('shows what comes, also where a letter is cut in two', async () => {
    const tail = new LogTail();
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) });
    tail.start(() => Promise.resolve(stream), 200);
    const bytes = new TextEncoder().encode('ä\n');
    controller.enqueue(bytes.slice(0, 1));
    controller.enqueue(bytes.slice(1));
    await vi.waitFor(() => expect(textOf(tail)).toBe('ä\n'));
    expect(tail.state).toBe('following');
    controller.close();
    await vi.waitFor(() => expect(tail.state).toBe('ended'));
    expect(textOf(tail)).toBe('ä\n');
  });

  it('stops, keeps what it showed, and starts over with the last lines', async () => {
    const tail = new LogTail();
    const first = source();
    tail.start(first.open, 200);
    first.write('one\n');
    await vi.waitFor(() => expect(textOf(tail)).toBe('one\n'));
    tail.stop();
    expect(tail.state).toBe('stopped');
    expect(textOf(tail)).toBe('one\n');
    const second = source();
    tail.start(second.open, 1000);
    expect(second.open.mock.calls[0]![0]).toBe(1000);
    second.write('one\ntwo\n');
    await vi.waitFor(() => expect(textOf(tail)).toBe('one\ntwo\n'));
  });

  it('says why it is not available, in the server’s words', async () => {
    const tail = new LogTail();
    tail.start(
      () => Promise.reject(new Problem(409, 'node_not_online', '', 'Its node is not connected.')),
      200,
    );
    await vi.waitFor(() => expect(tail.state).toBe('failed'));
    expect(tail.failure).toBe('Its node is not connected.');
  });

  it('tells a broken connection from an end', async () => {
    const tail = new LogTail();
    const broken = source();
    tail.start(broken.open, 200);
    broken.write('one\n');
    await vi.waitFor(() => expect(textOf(tail)).toBe('one\n'));
    broken.fail();
    await vi.waitFor(() => expect(tail.state).toBe('failed'));
    expect(textOf(tail)).toBe('one\n');
  });
});
