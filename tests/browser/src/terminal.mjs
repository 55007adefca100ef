// A program in a real terminal (tmux), and what it shows as HTML: for pictures of the walk of spunto-replay.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const COLUMNS = 80;
const ROWS = 24;
const BOLD = 1;
const DIM = 2;
const REVERSED = 7;
/** The sixteen colours of a terminal, dark; each is readable on the background. */
const COLOURS = ['#0e1211', '#ff8d83', '#5fd6a0', '#e5b454', '#86bbf6', '#d3a8f0', '#7fd6d6', '#c9d1cd', '#8d9892', '#ff8d83', '#5fd6a0', '#e5b454', '#86bbf6', '#d3a8f0', '#7fd6d6', '#ffffff'];
const INK = '#dfe5e2';
const PAPER = '#0e1211';

/** Starts a program in a terminal of 80 × 24. `environment` goes to it alone. */
export async function terminal(socket, program, words, environment) {
  const tmux = async (...args) => (await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env: { ...process.env, ...environment, LC_ALL: 'C.UTF-8' } })).stdout;
  const quoted = [program, ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  await tmux('new-session', '-d', '-x', String(COLUMNS), '-y', String(ROWS), '-e', 'TERM=screen-256color', `${quoted}; exec cat`);
  return {
    press: (...keys) => tmux('send-keys', '-t', '0', ...keys),
    text: () => tmux('capture-pane', '-p', '-t', '0'),
    coloured: () => tmux('capture-pane', '-p', '-e', '-t', '0'),
    end: () => tmux('kill-server').catch(() => {}),
  };
}

/** Applies one sequence of SGR numbers to a style. */
function restyle(style, numbers) {
  let now = style;
  const left = numbers.length > 0 ? [...numbers] : [0];
  while (left.length > 0) {
    const number = left.shift();
    // One of the sixteen colours, as a number of the 256.
    if (number === 38 && left[0] === 5 && left[1] < COLOURS.length) {
      now = { ...now, colour: COLOURS[left[1]] };
      left.splice(0, 2);
      continue;
    }
    if (number === 0) now = {};
    else if (number === BOLD) now = { ...now, bold: true };
    else if (number === DIM) now = { ...now, dim: true };
    else if (number === REVERSED) now = { ...now, reversed: true };
    else if (number === 22) now = { ...now, bold: false, dim: false };
    else if (number === 27) now = { ...now, reversed: false };
    else if (number >= 30 && number <= 37) now = { ...now, colour: COLOURS[number - 30] };
    else if (number >= 90 && number <= 97) now = { ...now, colour: COLOURS[number - 82] };
    else if (number === 39) now = { ...now, colour: undefined };
    // A number that is passed over would be a picture that lies.
    else if (number !== 49) throw new Error(`SGR ${number} is not known here`);
  }
  return now;
}

const escaped = (text) => text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]);

function span(text, { colour = INK, bold, dim, reversed }) {
  const [ink, paper] = reversed ? [PAPER, colour] : [colour, 'transparent'];
  const css = [`color:${ink}`, `background:${paper}`, bold ? 'font-weight:700' : '', dim && !reversed ? 'opacity:.68' : ''];
  return `<span style="${css.filter(Boolean).join(';')}">${escaped(text)}</span>`;
}

/** What `tmux capture-pane -e` printed, as HTML, a `div` a line. */
export function html(captured) {
  let style = {};
  const lines = captured.replace(/\n$/, '').split('\n').map((line) => {
    const spans = [];
    let width = 0;
    for (const [, sequence, text] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
      if (text === undefined) style = restyle(style, sequence === '' ? [] : sequence.split(';').map(Number));
      else {
        spans.push([text, style]);
        width += [...text].length;
      }
    }
    // A line that ends reversed is so to the edge; tmux leaves spaces at the end out. In one span, so that no seam is seen.
    const rest = ' '.repeat(Math.max(0, COLUMNS - width));
    const last = spans.at(-1);
    if (last && last[1] === style) last[0] += rest;
    else spans.push([rest, style]);
    return `<div>${spans.map(([text, of]) => span(text, of)).join('')}</div>`;
  });
  return lines.join('');
}

/** A page with the terminal's window on it; photograph `.window`. */
export function page(captured, title) {
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; padding: 24px; background: transparent; }
    .window { width: fit-content; border: 1px solid #29312e; border-radius: 10px; overflow: hidden; background: ${PAPER}; }
    .bar { padding: 7px 14px; border-bottom: 1px solid #29312e; background: #151a18; color: #aab4af; font: 13px/1.4 system-ui, 'Liberation Sans', sans-serif; }
    .screen { padding: 12px 14px; font: 15px/1.28 'DejaVu Sans Mono', monospace; white-space: pre; }
  </style><div class="window"><div class="bar">${escaped(title)}</div><div class="screen">${html(captured)}</div></div>`;
}
