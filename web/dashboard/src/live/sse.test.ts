import { describe, expect, it } from 'vitest';

import { FrameParser } from './sse';

describe('frames of a stream', () => {
  it('come whole, however the text is cut', () => {
    const text = 'id: a.0.1\nevent: changes\ndata: {"a":1}\n\n: quiet\nid: a.0.2\n\ndata: x\ndata: y\n\n';
    const whole = new FrameParser().push(text);
    expect(whole).toEqual([
      { id: 'a.0.1', event: 'changes', data: '{"a":1}' },
      { id: 'a.0.2', event: 'message', data: '' },
      { id: null, event: 'message', data: 'x\ny' },
    ]);
    const parser = new FrameParser();
    expect([...text].flatMap((letter) => parser.push(letter))).toEqual(whole);
  });

  it('say nothing when they are comments, and take line ends of either sort', () => {
    expect(new FrameParser().push(': quiet\r\n\r\ndata:a\r\n\r\n')).toEqual([
      { id: null, event: 'message', data: 'a' },
    ]);
  });
});
