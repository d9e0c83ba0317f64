// Four projects: the pure folders in plain Node, histories of whole keys on disks that fail, bindings and objects in workerd, and real clients against a running gateway.

import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const migrations = await readD1Migrations('./migrations')

/** Binary files as modules, as wrangler and esbuild have them. */
const binaries = {
  name: 'binaries',
  enforce: 'pre' as const,
  load: (id: string) =>
    id.endsWith('.bin') ? `export default Uint8Array.from(atob('${readFileSync(id).toString('base64')}'), (c) => c.charCodeAt(0))` : null,
}

export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/contracts/**/*.test.ts', 'test/golden/**/*.test.ts'],
          environment: 'node',
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          environment: 'node',
          provide: { simulations: Number(process.env['SLUICE_SIMULATIONS'] ?? 15) },
        },
      },
      {
        plugins: [
          binaries,
          cloudflareTest({
            main: './src/index.ts',
            miniflare: {
              compatibilityDate: '2026-11-01',
              compatibilityFlags: ['enable_request_signal'],
              bindings: {
                SLUICE_KEY_SECRET: 'test-signing-secret',
                SLUICE_ADMIN_KEY: 'sk-admin-test',
                SLUICE_DEMO: 'on',
                SLUICE_LOG: 'off',
                MIGRATIONS: migrations,
              },
              d1Databases: { DB: 'sluice' },
              kvNamespaces: { ROUTES: 'routes' },
              durableObjects: {
                KEYS: { className: 'KeyObject', useSQLite: true },
                BUDGETS: { className: 'BudgetObject', useSQLite: true },
                DRAINS: { className: 'DrainObject', useSQLite: true },
                ROUTE_TABLE: { className: 'RoutesObject', useSQLite: true },
                HEALTH: { className: 'HealthObject', useSQLite: true },
                LEARNING: { className: 'LearningObject', useSQLite: true },
              },
            },
          }),
        ],
        test: { name: 'worker', include: ['test/worker/**/*.test.ts'], setupFiles: ['./test/worker/migrate.ts'] },
      },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          environment: 'node',
          testTimeout: 30_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
