// The Docker Engine by its own client, as a person uses it.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export async function docker(...words) {
  const { stdout } = await run('docker', words);
  return stdout.trim();
}

/** The host's address on Docker's default bridge: where agents in containers reach the server. */
export async function gateway() {
  const told = await docker('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Gateway}}');
  if (told && told !== '<no value>') return told;
  const subnet = await docker('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Subnet}}');
  return subnet.split('/')[0].replace(/\d+$/, (last) => String(Number(last) + 1));
}

/** Runs a command line as pasted into a shell. What it says may hold a token and is not shown. */
export async function paste(line) {
  await run('sh', ['-c', line]);
}

/** The shown command with another container's name, so that several agents live on one engine. */
export function renamed(command, container) {
  if (!command.includes('spunto-agent')) throw new Error('this is no command for an agent');
  return command.replace('--name spunto-agent ', `--name ${container} `).replace(/^docker rm -f spunto-agent$/m, `docker rm -f ${container}`);
}

/** Removes an agent's container, and every container and network of its node. */
export async function removeNode(container, node) {
  await docker('rm', '-f', container).catch(() => {});
  if (!node) return;
  const label = `label=net.spunto.node=${node}`;
  const lines = (text) => text.split('\n').filter(Boolean);
  for (const id of lines(await docker('ps', '-aq', '--filter', label))) await docker('rm', '-f', id).catch(() => {});
  for (const id of lines(await docker('network', 'ls', '-q', '--filter', label))) await docker('network', 'rm', id).catch(() => {});
}
