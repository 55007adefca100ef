// The name of a new node: its form, and that no other node has it.
import { live } from '../../live/store.svelte';
import { checkName } from '../../words/rules';

export function checkNewName(name: string): string | null {
  const taken = live.nodes.all().some((node) => node.name === name);
  return taken ? `Another node is called “${name}”; choose another name.` : checkName(name);
}
