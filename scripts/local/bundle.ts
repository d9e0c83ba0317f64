// Bundles the Worker for a workerd on this machine, as wrangler does for Cloudflare.

import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'

/** The Worker as one module's text. */
export async function bundleWorker(entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url))): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    minify: true,
    loader: { '.bin': 'binary' },
    logLevel: 'silent',
  })
  const [output] = result.outputFiles
  if (output === undefined) throw new Error('esbuild gave no output.')
  return output.text
}
