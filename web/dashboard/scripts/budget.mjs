// Fails when the first load of any page needs more compressed JavaScript and CSS than the budget.
// Counted for each page: the entry, all it imports, the page with all it imports (also later, like the chart), the worker, all CSS.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const BUDGET_BYTES = 120_000;
const out = process.env.SPUNTO_DASHBOARD_OUT ?? new URL('../dist', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(out, '.vite/manifest.json'), 'utf8'));
const entry = Object.keys(manifest).find((name) => manifest[name].isEntry);
// What the entry loads later are the pages; what a page loads later, like the chart, is part of that page.
const pages = manifest[entry].dynamicImports ?? [];
const isPage = (name) => pages.includes(name);

function closure(name, files, later) {
  const chunk = manifest[name];
  if (files.has(chunk.file)) return files;
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const next of chunk.imports ?? []) closure(next, files, later);
  if (later) for (const next of chunk.dynamicImports ?? []) if (!isPage(next)) closure(next, files, later);
  return files;
}

const sizes = new Map();
function size(file) {
  if (!sizes.has(file)) {
    const bytes = readFileSync(join(out, file));
    sizes.set(file, { gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length });
  }
  return sizes.get(file);
}

const workers = readdirSync(join(out, 'assets'))
  .filter((file) => file.startsWith('shared-worker'))
  .map((file) => `assets/${file}`);
let failed = pages.length === 0;
for (const page of pages) {
  const files = new Set([...closure(entry, new Set(), false), ...workers]);
  for (const file of closure(page, new Set(), true)) files.add(file);
  const total = { gzip: 0, brotli: 0 };
  for (const file of files) {
    if (!/\.(js|css)$/.test(file)) continue;
    total.gzip += size(file).gzip;
    total.brotli += size(file).brotli;
  }
  const over = total.gzip > BUDGET_BYTES;
  failed ||= over;
  const kb = (bytes) => `${(bytes / 1000).toFixed(1).padStart(6)} kB`;
  console.log(`${over ? '✗' : '✓'} ${kb(total.gzip)} gzip ${kb(total.brotli)} brotli  ${page}`);
}
console.log(
  failed
    ? `Over the budget of ${BUDGET_BYTES / 1000} kB of gzip.`
    : `Budget: ${BUDGET_BYTES / 1000} kB of gzip.`,
);
process.exit(failed ? 1 : 0);
