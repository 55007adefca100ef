import { describe, expect, it } from 'vitest';

import {
  checkEmail,
  checkEnvName,
  checkImage,
  checkName,
  checkPassword,
  checkText,
  readLabels,
  writeLabels,
} from './rules';

// The same examples as the server's own tests in core/src/name.rs.
describe('rules', () => {
  it('takes names that are DNS labels', () => {
    for (const name of ['a', 'prod-eu-1', '0', 'a'.repeat(63)]) expect(checkName(name), name).toBeNull();
    for (const name of ['', '-a', 'a-', 'A', 'a b', 'ä', 'a.b', 'a/../b', 'a\n', 'a'.repeat(64)]) {
      expect(checkName(name), name).not.toBeNull();
    }
  });

  it('takes e-mail addresses as loosely as mail servers do', () => {
    expect(checkEmail('ada@example.com')).toBeNull();
    for (const text of ['', 'ada', '@example.com', 'a@b', 'a b@c.d', 'a@.d'])
      expect(checkEmail(text), text).not.toBeNull();
  });

  it('takes images and environment variables', () => {
    expect(checkImage('registry.example.com:5000/a/b@sha256:00')).toBeNull();
    for (const text of ['', 'a b', '-rm', 'a'.repeat(256)]) expect(checkImage(text), text).not.toBeNull();
    expect(checkEnvName('PATH_2')).toBeNull();
    for (const text of ['', '2A', 'A=B', 'A B', 'A'.repeat(129)])
      expect(checkEnvName(text), text).not.toBeNull();
  });

  it('counts passwords in characters and texts in bytes', () => {
    expect(checkPassword('🔑'.repeat(10))).toBeNull();
    expect(checkPassword('short')).toContain('these are 5');
    expect(checkText('ä'.repeat(100), 'The reason')).toBeNull();
    expect(checkText('ä'.repeat(101), 'The reason')).toContain('202');
    expect(checkText('  ', 'The reason')).not.toBeNull();
    expect(checkText('a\tb', 'The reason')).not.toBeNull();
  });

  it('reads labels by comma and line, and writes what it reads', () => {
    expect(readLabels('zone=eu, disk\n tier = prod ,')).toEqual({
      pairs: { zone: 'eu', disk: '', tier: 'prod' },
      error: null,
    });
    expect(writeLabels({ zone: 'eu', disk: '' })).toBe('zone=eu, disk');
    for (const text of ['zo ne=eu', '=eu', 'a=1,a=2', `a=${'x'.repeat(64)}`])
      expect(readLabels(text).error, text).not.toBeNull();
    const many = Array.from({ length: 33 }, (_, index) => `k${index}`).join(',');
    expect(readLabels(many).error).toContain('32');
  });
});
