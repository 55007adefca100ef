// Every page of the dashboard with something on it: for pictures, and for what is checked on every page.
import { paste, renamed } from './engine.mjs';
import { WORKER_IMAGE } from './server.mjs';
import { api, unique } from './stage.mjs';

/** Output that a person would know: one line a moment, some of it coloured. */
const CHATTY = [
  'sh',
  '-c',
  'n=0; while true; do n=$((n+1)); printf "\\033[32mready\\033[0m request %s served in %s ms\\n" $n $((n % 17)); sleep 1; done',
];

export async function until(what, ask) {
  for (let left = 600; left > 0; left--) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within a minute`);
}

/** Creates a node and runs the shown command under another container name; the node, when it is online. */
export async function addNode(stage, page, name) {
  const { node, command } = await api(page, 'POST', '/nodes', { name, labels: { zone: 'eu-1' } });
  const container = unique(`spunto-agent-${name}`);
  stage.adopt(container, () => node.id);
  await paste(renamed(command, container));
  const online = async () => (await api(page, 'GET', `/nodes/${node.id}`)).status.state === 'online';
  await until(`${name} online`, online);
  return { ...node, container };
}

/** Asks for a node at a stage's cloud that refuses; the node, when it has failed. */
export async function addRefused({ clouds }, page, name) {
  const { credential } = await api(page, 'POST', '/credentials', { name: 'hetzner', provider: 'hetzner', secret: clouds.credentials.hetzner });
  const cloud = { credential: credential.id, location: 'fsn1', machine_type: 'cx23', image: 'debian-12' };
  const { node } = await api(page, 'POST', '/nodes', { name, cloud });
  const failed = async () => {
    const now = await api(page, 'GET', `/nodes/${node.id}`);
    return now.status.state === 'provisioning_failed' && now;
  };
  return until(`${name} failed`, failed);
}

/** Gives a node other labels; the position of the event. */
export async function changeLabels(page, { id }, labels) {
  const { version } = await api(page, 'GET', `/nodes/${id}`);
  const headers = { 'X-Spunto-Csrf': '1', 'If-Match': `"${version}"` };
  const answer = await page.request.patch(`/api/orgs/${page.org}/nodes/${id}`, { data: { labels }, headers });
  if (!answer.ok()) throw new Error(await answer.text());
  return (await answer.json()).position;
}

/** Puts an organisation there as one is after some days, and names its pages. */
export async function populate(stage, page) {
  const project = (await api(page, 'GET', '/projects')).items[0].id;
  const first = await addNode(stage, page, 'prod-eu-1');
  const second = await addNode(stage, page, 'prod-eu-2');
  await api(page, 'POST', '/nodes', { name: 'staging-us-1' });
  const refused = await addRefused(stage, page, 'prod-eu-3');
  const spawn = async (body) => (await api(page, 'POST', `/projects/${project}/workers`, { image: WORKER_IMAGE, ...body })).worker;
  const chatty = await spawn({ name: 'web', command: CHATTY, env: { GREETING: 'hello' }, memory_bytes: 64 << 20, cpu_millis: 250 });
  await spawn({ name: 'queue', command: ['sleep', '1000000'] });
  await spawn({ name: 'import', command: ['sh', '-c', 'echo no such table: orders >&2; exit 3'] });
  const failed = await spawn({ name: 'typo', image: 'no-such-image:1', command: ['true'] });
  const services = ['api', 'cache'].map((name) => ({ name, image: WORKER_IMAGE, command: ['sleep', '1000000'] }));
  const { deployment } = await api(page, 'POST', `/projects/${project}/deployments`, { name: 'shop', services });
  await api(page, 'POST', `/projects`, { name: 'billing' });
  await api(page, 'POST', '/members', { email: 'grace@example.com', role: 'member' });
  await api(page, 'POST', '/keys', { name: 'ci', scopes: ['nodes:read', 'workers:write'], owner: 'org' });
  await api(page, 'POST', `/nodes/${second.id}/drain`, { reason: 'kernel update' });
  // Every network that the engine makes breaks off what a browser on the same machine is loading: pages come after the last of them.
  const settled = async () => {
    const { items: workers } = await api(page, 'GET', '/workers');
    const { items: deployments } = await api(page, 'GET', '/deployments');
    const units = [...workers, ...deployments.flatMap(({ services }) => services)];
    return units.length > 0 && units.every(({ status }) => !['placed', 'pulling', 'starting'].includes(status.state));
  };
  await until('everything started or failed', settled);
  const shown = async () => (await api(page, 'GET', `/nodes/${first.id}`)).live.gauges !== null;
  await until('gauges', shown);
  const looked = await changeLabels(page, first, { zone: 'eu-1', tier: 'gold' });
  await api(page, 'POST', `/nodes/${first.id}/maintenance`, { reason: 'disk is replaced' });
  await api(page, 'DELETE', `/nodes/${first.id}/maintenance`);
  const org = `/orgs/${page.org}`;
  return [
    { name: 'nodes', path: `${org}/nodes` },
    { name: 'add-node', path: `${org}/nodes/new` },
    { name: 'node', path: `${org}/nodes/${first.id}` },
    { name: 'node-draining', path: `${org}/nodes/${second.id}` },
    { name: 'node-past', path: `${org}/nodes/${first.id}?as_of=${encodeURIComponent(looked)}` },
    { name: 'node-failed', path: `${org}/nodes/${refused.id}` },
    { name: 'story', path: `${org}/nodes/${first.id}/story` },
    { name: 'story-failed', path: `${org}/nodes/${refused.id}/story` },
    { name: 'projects', path: `${org}/projects` },
    { name: 'project', path: `${org}/projects/${project}` },
    { name: 'worker', path: `${org}/projects/${project}/workers/${chatty.id}` },
    { name: 'worker-failed', path: `${org}/projects/${project}/workers/${failed.id}` },
    { name: 'new-worker', path: `${org}/projects/${project}/workers/new` },
    { name: 'new-deployment', path: `${org}/projects/${project}/deployments/new` },
    { name: 'deployment', path: `${org}/projects/${project}/deployments/${deployment.id}` },
    { name: 'events', path: `${org}/events` },
    { name: 'audit', path: `${org}/events?view=audit` },
    { name: 'settings', path: `${org}/settings` },
    { name: 'account', path: '/account' },
    { name: 'not-found', path: `${org}/nonsense` },
  ];
}

