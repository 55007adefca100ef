// The one way to the server: a client typed by the OpenAPI document. Owns headers, errors and the sign-in that has ended.
import createClient, { type Middleware } from 'openapi-fetch';

import { Problem } from './problem';
import type { paths } from './schema';

/** How long a call may take before it counts as unanswered, in milliseconds. */
const TIMEOUT_MS = 20_000;

type Listener = () => void;
const signedOut = new Set<Listener>();
const clockReadings = new Set<(serverMs: number) => void>();

/** Calls back when the server no longer knows who asks. */
export function onSignedOut(listener: Listener): void {
  signedOut.add(listener);
}

/** Calls back with the server's time whenever an answer tells it, so that relative times survive a wrong clock here. */
export function onServerTime(listener: (serverMs: number) => void): void {
  clockReadings.add(listener);
}

const headers: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set('X-Spunto-Csrf', '1');
    return request;
  },
  onResponse({ response, schemaPath }) {
    const date = Date.parse(response.headers.get('date') ?? '');
    if (!Number.isNaN(date)) clockReadings.forEach((tell) => tell(date));
    // A wrong password at sign-in is a 401 too, and ends nothing.
    if (response.status === 401 && schemaPath !== '/api/session') signedOut.forEach((tell) => tell());
  },
};

/** How long to wait before a read that got no answer is asked once more, in milliseconds. */
const ASK_AGAIN_MS = 400;

async function once(request: Request): Promise<Response> {
  return fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]) });
}

/** A read is asked once more where the network failed under it; a change never is: it may have been carried out. */
async function send(request: Request): Promise<Response> {
  if (request.method !== 'GET') return once(request);
  try {
    return await once(request.clone());
  } catch (failure) {
    if (!(failure instanceof TypeError)) throw failure;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    return once(request);
  }
}

/** Every path of the API, typed. Pass its promise to {@link take}. */
export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: send });
api.use(headers);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The body of an answer.
 *
 * @throws {Problem} the server refused, failed, or did not answer.
 */
export async function take<T>(call: Promise<Answer<T>>): Promise<NonNullable<T>> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (failure) {
    if (failure instanceof DOMException && failure.name === 'AbortError') throw failure;
    throw Problem.unreachable();
  }
  if (!answer.response.ok) throw Problem.from(answer.response.status, answer.error);
  return answer.data as NonNullable<T>;
}

/** A fresh `Idempotency-Key`: keep it while the same form is sent again, so that a lost answer creates nothing twice. */
export function idempotencyKey(): string {
  // crypto.randomUUID exists on secure origins only; random values exist everywhere.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** The value of `If-Match` for a version that was seen. */
export function ifMatch(version: number): string {
  return `"${version}"`;
}
