// Where things are, so that no page spells a path by hand.

const part = encodeURIComponent;

export const paths = {
  home: () => '/',
  signIn: (then?: string) => (then && then !== '/' ? `/sign-in?then=${part(then)}` : '/sign-in'),
  account: () => '/account',
  newOrg: () => '/orgs/new',
  org: (org: string) => `/orgs/${part(org)}`,
  nodes: (org: string) => `/orgs/${part(org)}/nodes`,
  addNode: (org: string) => `/orgs/${part(org)}/nodes/new`,
  node: (org: string, node: string) => `/orgs/${part(org)}/nodes/${part(node)}`,
  provision: (org: string, node: string) => `/orgs/${part(org)}/nodes/${part(node)}/provision`,
  story: (org: string, node: string) => `/orgs/${part(org)}/nodes/${part(node)}/story`,
  projects: (org: string) => `/orgs/${part(org)}/projects`,
  project: (org: string, project: string) => `/orgs/${part(org)}/projects/${part(project)}`,
  newWorker: (org: string, project: string) => `/orgs/${part(org)}/projects/${part(project)}/workers/new`,
  newDeployment: (org: string, project: string) =>
    `/orgs/${part(org)}/projects/${part(project)}/deployments/new`,
  worker: (org: string, project: string, worker: string) =>
    `/orgs/${part(org)}/projects/${part(project)}/workers/${part(worker)}`,
  deployment: (org: string, project: string, deployment: string) =>
    `/orgs/${part(org)}/projects/${part(project)}/deployments/${part(deployment)}`,
  events: (org: string) => `/orgs/${part(org)}/events`,
  settings: (org: string) => `/orgs/${part(org)}/settings`,
};

/** A path to go to after signing in: only one of ours, never another site's. */
export function safeThen(then: string | null): string {
  return then && /^\/(?![/\\])/.test(then) ? then : paths.home();
}
