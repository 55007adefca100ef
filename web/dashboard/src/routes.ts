// The table of pages. Each is a chunk of its own, loaded when it is first shown.
import type { Route } from './router/router.svelte';

export const routes: readonly Route[] = [
  { path: '/setup', load: () => import('./pages/setup/Setup.svelte'), open: true },
  { path: '/invitation', load: () => import('./pages/invitation/Invitation.svelte'), open: true },
  { path: '/sign-in', load: () => import('./pages/sign-in/SignIn.svelte'), open: true },
  { path: '/', load: () => import('./pages/home/Home.svelte') },
  { path: '/account', load: () => import('./pages/account/Account.svelte') },
  { path: '/orgs/new', load: () => import('./pages/orgs/NewOrg.svelte') },
  { path: '/orgs/:org', load: () => import('./pages/home/Home.svelte') },
  { path: '/orgs/:org/nodes', load: () => import('./pages/nodes/Nodes.svelte') },
  { path: '/orgs/:org/nodes/new', load: () => import('./pages/add-node/AddNode.svelte') },
  { path: '/orgs/:org/nodes/:node', load: () => import('./pages/node/Node.svelte') },
  { path: '/orgs/:org/nodes/:node/provision', load: () => import('./pages/provision/Provision.svelte') },
  { path: '/orgs/:org/nodes/:node/story', load: () => import('./pages/story/Story.svelte') },
  { path: '/orgs/:org/projects', load: () => import('./pages/projects/Projects.svelte') },
  {
    path: '/orgs/:org/projects/:project/workers/new',
    load: () => import('./pages/new-worker/NewWorker.svelte'),
  },
  {
    path: '/orgs/:org/projects/:project/deployments/new',
    load: () => import('./pages/new-deployment/NewDeployment.svelte'),
  },
  { path: '/orgs/:org/projects/:project', load: () => import('./pages/project/Project.svelte') },
  {
    path: '/orgs/:org/projects/:project/workers/:worker',
    load: () => import('./pages/worker/Worker.svelte'),
  },
  {
    path: '/orgs/:org/projects/:project/deployments/:deployment',
    load: () => import('./pages/deployment/Deployment.svelte'),
  },
  { path: '/orgs/:org/events', load: () => import('./pages/events/Events.svelte') },
  { path: '/orgs/:org/settings', load: () => import('./pages/settings/Settings.svelte') },
];
