// Prepaid credit under /api/v1/credits/{account}, for the admin key only: grant, take back, look at.

import { Hono } from 'hono'
import * as z from 'zod'
import { GatewayError } from '../core/errors.ts'
import { randomName } from '../core/key.ts'
import { dollarsNumber, dollarsText, nanoOf } from '../core/money.ts'
import { budgetOf } from '../platform/budget-object.ts'
import type { Env } from '../platform/env.ts'
import { creditScope, listGrants, readCredit, type Grant } from '../platform/grants.ts'
import { check, readJson, SCOPE_ID } from './key-input.ts'
import { whole } from './whole.ts'

export const creditGrants = new Hono<{ Bindings: Env }>()

type Json = { readonly [name: string]: unknown }

const PAGE = 100
const MOST_ROWS = 1000
const shape = z.strictObject({
  amount: z
    .number()
    .refine((usd) => usd !== 0 && nanoOf(Math.abs(usd)) !== null, 'must be US dollars up to 4,000,000, in whole nano-dollars, and not 0')
    .transform((usd) => Math.sign(usd) * (nanoOf(Math.abs(usd)) ?? 0)),
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be printable ASCII without spaces, at most 128')
    .optional(),
  note: z.string().max(500).nullable().optional(),
})

creditGrants.post('/:account/grants', async (c) => {
  const account = accountNamed(c.req.param('account'))
  const said = check(shape, await readJson(c.req.raw))
  const grant: Grant = {
    id: said.id ?? `grant-${randomName(24)}`,
    account,
    createdAt: Date.now(),
    amountNanoUsd: said.amount,
    note: said.note ?? null,
  }
  const granted = await budgetOf(c.env, creditScope(account)).grant(grant)
  if (granted.kind === 'taken')
    throw new GatewayError('request-duplicate', 'A grant of this id was made with another account or amount.', { at: 'id' })
  if (granted.kind === 'too-much')
    throw new GatewayError('request-malformed', 'The credit of an account is at most 4,000,000 US dollars.', { at: 'amount' })
  if (granted.kind === 'short') {
    const { availableNanoUsd, spentNanoUsd, leasedNanoUsd } = granted
    throw new GatewayError(
      'request-malformed',
      `At most $${dollarsText(availableNanoUsd)} of ${account} can be taken back: $${dollarsText(spentNanoUsd)} is spent and $${dollarsText(leasedNanoUsd)} held by requests that run.`,
      { at: 'amount' },
    )
  }
  return c.json({ data: { ...grantTold(granted.grant), account: await creditsOf(c.env, account) } }, granted.isNew ? 201 : 200)
})

creditGrants.get('/:account', async (c) => {
  const account = accountNamed(c.req.param('account'))
  const limit = whole(c.req.query('limit'), PAGE, MOST_ROWS)
  const grants = await listGrants(c.env.DB, account, limit, whole(c.req.query('offset'), 0, Number.MAX_SAFE_INTEGER))
  const credit = await readCredit(c.env.DB, account)
  if (credit.version === 0) throw new GatewayError('record-unknown', `Nothing was ever granted to ${account}.`)
  return c.json({ data: { ...(await creditsOf(c.env, account)), grants: grants.map(grantTold) } })
})

/** OpenRouter's two numbers, and what is left; usage as the keys last told it, at most a second ago. */
export async function creditsOf(env: Env, account: string): Promise<Json> {
  const { limitNanoUsd, spentNanoUsd, leasedNanoUsd } = await budgetOf(env, creditScope(account)).view()
  const credit = limitNanoUsd ?? 0
  return {
    account,
    total_credits: dollarsNumber(credit),
    total_usage: dollarsNumber(spentNanoUsd),
    remaining: dollarsNumber(credit - spentNanoUsd),
    sluice: { spent_nano_usd: spentNanoUsd, leased_nano_usd: leasedNanoUsd, limit_nano_usd: credit },
  }
}

function grantTold({ id, createdAt, amountNanoUsd, note }: Grant): Json {
  return { id, amount: dollarsNumber(amountNanoUsd), note, created_at: new Date(createdAt).toISOString() }
}

function accountNamed(text: string): string {
  if (!SCOPE_ID.test(text))
    throw new GatewayError('request-malformed', 'The name of an account has letters, digits, dots, dashes and underscores, at most 64.')
  return text
}
