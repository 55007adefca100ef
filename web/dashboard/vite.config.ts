// How the dashboard is built: hashed files under assets/, nothing inlined, so that the strict content policy holds.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = process.env.SPUNTO_SERVER ?? 'http://127.0.0.1:8080';
// The server checks where a change comes from; behind this proxy everything is one origin, the server's own.
const proxy = {
  '/api': { target: server, changeOrigin: true, headers: { origin: server } },
};

// Must be the same as in ../src/dashboard.rs.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: process.env.SPUNTO_DASHBOARD_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  server: { proxy },
  // As the server sends it, so that a preview breaks where the real thing would.
  preview: { proxy, headers: { 'Content-Security-Policy': POLICY } },
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  test: { environment: 'node', css: true, include: ['src/**/*.test.ts'] },
});
