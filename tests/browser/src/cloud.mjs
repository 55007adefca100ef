// A cloud that speaks enough of Hetzner's API to be chosen from, and refuses every server because the project's limit is reached.
// What a whole cloud does is the business of tests/src/cloud; a page needs the words of one refusal.
import { createServer } from 'node:http';

/** What a credential for it holds: it looks as the vendor's tokens do. */
export const TOKEN = 'hetznerreadwritetoken0000000000000000000000000000000000000000000';
/** The refusal's parts, each in the provider's own words. */
export const REFUSAL = { code: 'resource_limit_exceeded', message: 'server limit exceeded', request: '3a7f2c9e5b1d4860' };

const location = { id: 1, name: 'fsn1', description: 'Falkenstein DC Park 1', country: 'DE', city: 'Falkenstein', network_zone: 'eu-central' };
const price = { location: 'fsn1', price_hourly: { net: '0.0056', gross: '0.0067' }, price_monthly: { net: '3.4900', gross: '4.1531' } };
const type = { id: 101, name: 'cx23', description: 'CX23', cores: 2, memory: 4, disk: 40, architecture: 'x86', prices: [price], locations: [{ id: 1, name: 'fsn1', available: true }] };
const image = { id: 201, type: 'system', status: 'available', name: 'debian-12', description: 'Debian 12', os_flavor: 'debian', architecture: 'x86', deprecated: null };
const LISTS = { locations: [location], server_types: [type], images: [image], servers: [], actions: [] };

const error = (status, code, message, details = null) => ({ status, body: { error: { code, message, details } } });

function answer(method, path, body) {
  const [list, ...rest] = path;
  if (method === 'POST' && list === 'servers') {
    // How the control plane sees whether a token may write: it asks for a server and names nothing of it.
    if (!body.name) return error(422, 'invalid_input', 'invalid input in field', { fields: [{ name: 'name', messages: ['is missing'] }] });
    return error(403, REFUSAL.code, REFUSAL.message, { limits: [{ name: 'server_limit' }] });
  }
  if (list === 'pricing') return { status: 200, body: { pricing: { currency: 'EUR', vat_rate: '19.00' } } };
  if (method === 'GET' && rest.length === 0 && LISTS[list]) return { status: 200, body: { [list]: LISTS[list], meta: { pagination: { next_page: null } } } };
  return error(404, 'not_found', `${path.join('/')} not found`);
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString();
  return text === '' ? {} : JSON.parse(text);
}

/** Starts it on any free port; `flag` tells a server where it is. */
export async function startCloud() {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://cloud').pathname.split('/').filter(Boolean).slice(1);
    const allowed = request.headers.authorization === `Bearer ${TOKEN}`;
    const { status, body } = allowed ? answer(request.method, path, await read(request)) : error(401, 'unauthorized', 'the token you have provided is invalid');
    response.writeHead(status, { 'content-type': 'application/json', 'x-correlation-id': REFUSAL.request });
    response.end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return { flag: `--cloud-base=hetzner=${url}/v1`, end: () => new Promise((resolve) => server.close(resolve)) };
}
