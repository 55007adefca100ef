import { describe, expect, it } from 'vitest';

import { paths, safeThen } from '../paths';
import { routes } from '../routes';
import { match } from './match';

describe('paths', () => {
  it('give their parameters, decoded', () => {
    expect(match('/orgs/:org/nodes/:node', '/orgs/org_a/nodes/nod%20b')).toEqual({
      org: 'org_a',
      node: 'nod b',
    });
    expect(match('/orgs/:org', '/orgs/a/nodes')).toBeNull();
    expect(match('/orgs/:org', '/orgs/%E0%A4%A')).toBeNull();
    expect(match('/', '/')).toEqual({});
  });

  it('lead to a page, every one that is ever linked', () => {
    const links = [
      paths.home(),
      paths.signIn('/x'),
      paths.account(),
      paths.newOrg(),
      paths.org('o'),
      paths.nodes('o'),
      paths.addNode('o'),
      paths.node('o', 'n'),
      paths.projects('o'),
      paths.project('o', 'p'),
      paths.worker('o', 'p', 'w'),
      paths.deployment('o', 'p', 'd'),
      paths.events('o'),
      paths.settings('o'),
    ];
    for (const link of links) {
      const path = link.split('?')[0] ?? '';
      expect(
        routes.some((route) => match(route.path, path)),
        link,
      ).toBe(true);
    }
  });

  it('take adding a node for what it is, not for a node called new', () => {
    expect(routes.find((route) => match(route.path, paths.addNode('o')))?.path).toBe('/orgs/:org/nodes/new');
  });

  it('lead back after signing in, but never to another site', () => {
    expect(safeThen('/orgs/o/nodes?q=a')).toBe('/orgs/o/nodes?q=a');
    for (const then of [null, '', '//evil.example', '/\\evil.example', 'https://evil.example'])
      expect(safeThen(then)).toBe('/');
  });
});
