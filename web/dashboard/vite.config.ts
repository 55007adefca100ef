// How the dashboard is built: hashed files under assets/, nothing inlined, so that the strict content policy holds.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = process.env.SPUNTO_SERVER ?? 'http://127.0.0.1:8080';
// The server checks where a change comes from; behind this proxy everything is one origin, the server's own.
const proxy = {
  '/api': { target: server, changeOrigin: true, headers: { origin: server } },
};

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
  preview: { proxy },
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  test: { environment: 'jsdom', include: ['src/**/*.test.ts'] },
});
