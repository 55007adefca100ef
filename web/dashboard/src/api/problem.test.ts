import { describe, expect, it } from 'vitest';

import { fieldOf, Problem, wordsOf } from './problem';

const refuse = (code: string, detail: string) =>
  Problem.from(422, { code, detail, title: 'Unprocessable Entity' });

describe('a problem', () => {
  it('speaks the server’s words as a sentence and keeps what else it says', () => {
    const problem = Problem.from(409, {
      code: 'no_node_available',
      detail: 'none can take it',
      title: 'Conflict',
      nodes: [['n', 'offline']],
    });
    expect(wordsOf(problem)).toBe('None can take it.');
    expect(problem.more.nodes).toEqual([['n', 'offline']]);
  });

  it('says what to do about what a cloud refuses', () => {
    const problem = Problem.from(502, {
      code: 'provider_refused',
      detail: 'Hetzner Cloud: server limit reached (resource_limit_exceeded)',
      title: 'Bad Gateway',
      next_step: 'ask for a higher limit',
    });
    expect(wordsOf(problem)).toBe(
      'Hetzner Cloud: server limit reached (resource_limit_exceeded). Ask for a higher limit.',
    );
  });

  it('is understood without a body', () => {
    expect(Problem.from(502, '<html>').detail).toContain('502');
  });

  it.each([
    ['name_taken', 'another node is called "a"; choose another name', 'name'],
    ['invalid_input', 'name must be 1 to 63 lower-case letters', 'name'],
    ['invalid_input', 'reason must be 1 to 200 bytes long', 'reason'],
    ['invalid_input', 'that is not an e-mail address; write it like ada@example.com', 'email'],
    ['invalid_input', 'a password has 10 to 200 characters', 'password'],
    ['invalid_input', 'labels are at most 32 pairs', 'labels'],
    ['invalid_input', 'image must be 1 to 255 characters', 'image'],
    ['invalid_input', 'a secret has 1 to 16384 bytes', 'secret'],
    ['credential_refused', 'Hetzner Cloud: unable to authenticate (unauthorized)', 'secret'],
    ['account_differs', 'this is a secret of b, the credential is of a', 'secret'],
  ])('%s "%s" belongs to the field %s', (code, detail, field) => {
    expect(
      fieldOf(refuse(code, detail), ['name', 'reason', 'email', 'password', 'labels', 'image', 'secret']),
    ).toBe(field);
  });

  it('belongs to the form when it is about no field of it', () => {
    expect(fieldOf(refuse('node_not_online', 'the node is not online'), ['name'])).toBeNull();
    expect(fieldOf(refuse('invalid_input', 'image must be short'), ['name'])).toBeNull();
  });
});
