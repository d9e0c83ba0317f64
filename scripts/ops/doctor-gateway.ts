// What a running gateway says of itself (`GET /api/v1/doctor`), as findings.

import { BINDINGS, type DoctorReport } from '../../src/admin/doctor-report.ts'
import { bad, good, note, type Line } from './doctor-line.ts'

/** `null`: the answer is no report. */
export function readReport(data: unknown): DoctorReport | null {
  const said = data as Partial<DoctorReport> | null | undefined
  const whole =
    typeof said === 'object' &&
    said !== null &&
    Array.isArray(said.providers) &&
    Array.isArray(said.migrations) &&
    typeof said.bindings === 'object' &&
    typeof said.secrets === 'object' &&
    typeof said.catalogue === 'object'
  return whole ? { ...(said as DoctorReport), badSettings: said.badSettings ?? [], restores: said.restores ?? null } : null
}

/** `files`: the migrations of this checkout. */
export function reportLines(report: DoctorReport, files: readonly string[], remote: boolean): readonly Line[] {
  return [
    ...bindingLines(report),
    migrationLine(report, files, remote),
    ...secretLines(report),
    ...settingLines(report, remote),
    ...restoreLines(report),
    ...catalogueLines(report),
    ...providerLines(report, remote),
  ]
}

function bindingLines({ bindings }: DoctorReport): readonly Line[] {
  const broken = BINDINGS.filter((name) => !bindings[name])
  const mend =
    'Compare the bindings and their ids in wrangler.toml with `npx wrangler d1 list` and `npx wrangler kv namespace list`, then npm run deploy.'
  return broken.length === 0
    ? [good(`bindings ${BINDINGS.join(', ')}`)]
    : broken.map((name) => bad(`the binding ${name} is missing or does not answer`, mend))
}

function migrationLine({ migrations, bindings }: DoctorReport, files: readonly string[], remote: boolean): Line {
  const missing = files.filter((file) => !migrations.includes(file))
  const newer = migrations.filter((name) => !files.includes(name))
  if (!bindings.DB) return note('migrations: not to be seen while the database does not answer')
  if (missing.length > 0)
    return bad(
      `migrations not applied: ${missing.join(', ')}`,
      remote ? 'npm run deploy applies them.' : 'Start the gateway again: npm start applies them.',
    )
  if (newer.length > 0) return note(`the database is newer than this checkout: it has ${newer.join(', ')}`, 'git pull.')
  return good(`migrations: ${files.length} applied`)
}

function secretLines({ secrets }: DoctorReport): readonly Line[] {
  return (['SLUICE_KEY_SECRET', 'SLUICE_ADMIN_KEY'] as const).map((name) =>
    secrets[name] ? good(name) : bad(`${name} is not set`, 'npm run deploy makes one (npm start does here).'),
  )
}

function settingLines({ badSettings }: DoctorReport, remote: boolean): readonly Line[] {
  return badSettings.map(({ name, wanted }) =>
    bad(
      `the gateway has a ${name} that does not count: it must be ${wanted}`,
      remote
        ? 'Change it in [vars], or with `npx wrangler secret put`; deploy.'
        : 'Change it where npm start was called, or in .dev.vars; start again.',
    ),
  )
}

function restoreLines({ restores }: DoctorReport): readonly Line[] {
  if (restores === null || restores.count === 0) return []
  return [
    note(
      `D1 was restored to an earlier time: ${restores.count} keys and budgets have noticed, the last at ${restores.last ?? 'no time'}, and wrote what they know forward`,
      'GET /api/v1/restores lists them; POST /api/v1/restores has the others compare (docs/deploy.md).',
    ),
  ]
}

function catalogueLines({ catalogue: { priceVersion, overlay } }: DoctorReport): readonly Line[] {
  if (overlay === null) return [good(`catalogue ${priceVersion}, without an overlay`)]
  if (typeof overlay === 'string') return [good(`catalogue ${priceVersion} with the overlay ${overlay}`)]
  return [
    bad(
      `the catalogue overlay in KV does not count: ${overlay.error}`,
      'Mend the document under catalogue/overlay (docs/catalogue.md); until then the last good one, or none, holds.',
    ),
  ]
}

function providerLines({ providers }: DoctorReport, remote: boolean): readonly Line[] {
  const ready = providers.filter((one) => one.configured && one.id !== 'demo')
  const others = providers.filter((one) => !one.configured && one.id !== 'demo')
  const how = remote
    ? 'npx wrangler secret put NAME, or put it into .dev.vars and npm run deploy.'
    : 'Set it where npm start is called, or in .dev.vars; start again.'
  return [
    ready.length === 0
      ? bad('no provider has credentials', how)
      : good(`providers with credentials: ${ready.map((one) => one.id).join(', ')}`),
    ...(others.length === 0
      ? []
      : [
          note(
            `not configured: ${others.map((one) => `${one.id} (${one.missing.join(', ')})`).join(', ')}`,
            ready.length === 0 ? undefined : how,
          ),
        ]),
  ]
}
