// Writes <file>.br and <file>.gz of every file of one directory into another, where that saves something: the server
// sends them as they are. Usage: node compress.mjs DIST INTO
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [dist, into] = process.argv.slice(2);
rmSync(into, { recursive: true, force: true });

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  const target = join(into, relative(dist, path));
  mkdirSync(dirname(target), { recursive: true });
  for (const [end, small] of [
    ['br', brotli],
    ['gz', gzipSync(bytes, { level: 9 })],
  ]) {
    if (small.length < bytes.length) writeFileSync(`${target}.${end}`, small);
  }
}
