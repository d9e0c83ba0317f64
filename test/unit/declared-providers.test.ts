// Places declared by settings alone: which names declare one, what they speak, and what is never taken along.

import { describe, expect, it } from 'vitest'
import { planSecrets } from '../../scripts/ops/worker-secrets.ts'
import { declaredId, declaredProviders, declaringSettings } from '../../src/providers/declared.ts'
import { isConfigured, missingSettings } from '../../src/providers/configured.ts'
import { providerById } from '../../src/providers/index.ts'

const WORLD = { fetch: () => Promise.reject(new Error('no network')), nowMs: 0 }

const from = (settings: { readonly [name: string]: string }) => {
  const names = Object.keys(settings)
  const setting = (name: string): string | null => settings[name] ?? null
  return { providers: declaredProviders(names, setting), names: declaringSettings(names, setting) }
}

describe('a declared place', () => {
  it('is made of a base URL whose name is no known provider’s', () => {
    const { providers } = from({
      MY_HOST_BASE_URL: 'https://host.example/v1',
      MY_HOST_API_KEY: 'k',
      OPENAI_BASE_URL: 'https://proxy.example',
    })
    expect(providers.map(({ id }) => id)).toEqual(['my-host'])
    const [place] = providers
    expect(place?.voices.map((voice) => [voice.dialect, voice.path('m', true)])).toEqual([
      ['openai-chat', '/chat/completions'],
      ['openai-completions', '/completions'],
    ])
    expect(place?.authorize({ secrets: { MY_HOST_API_KEY: 'k' }, baseUrl: null, region: null }, WORLD)).toEqual({
      authorization: 'Bearer k',
    })
    expect(place?.authorize({ secrets: {}, baseUrl: null, region: null }, WORLD)).toEqual({})
  })

  it('speaks Messages where that is said, and nothing where it is said wrongly', () => {
    const said = (dialect: string) => from({ A_BASE_URL: 'https://a.example', A_DIALECT: dialect }).providers
    const [place] = said('anthropic-messages')
    expect(place?.voices.map((voice) => [voice.dialect, voice.path('m', false)])).toEqual([['anthropic-messages', '/v1/messages']])
    expect(place?.authorize({ secrets: { A_API_KEY: 'k' }, baseUrl: null, region: null }, WORLD)).toMatchObject({ 'x-api-key': 'k' })
    expect(said('gemini')).toEqual([])
  })

  it('is never made of an address that is none, a slip in a known name, or Sluice’s own name', () => {
    const { providers } = from({
      A_BASE_URL: '/relative',
      B_BASE_URL: 'file:///etc/passwd',
      OPEN_AI_BASE_URL: 'https://a.example',
      SLUICE_BASE_URL: 'https://a.example',
      _BASE_URL: 'https://a.example',
      lower_BASE_URL: 'https://a.example',
      A__B_BASE_URL: 'https://a.example',
    })
    expect(providers).toEqual([])
    expect(declaredId('OPENAI_API_KEY')).toBeNull()
  })

  it('takes its own settings along and no key without an address', () => {
    const { names } = from({
      HOST_BASE_URL: 'https://host.example',
      HOST_API_KEY: 'k',
      STRIPE_API_KEY: 'not ours',
      HOST_SECRET: 'not ours',
      OTHER_DIALECT: 'openai-chat',
    })
    expect(names).toEqual(['HOST_BASE_URL', 'HOST_API_KEY'])
  })

  it('is sent to a deployed Worker, but not when it is on this machine', () => {
    const make = { keySecret: () => 'k', adminKey: () => 'a' }
    const settings = { A_BASE_URL: 'https://a.example', A_API_KEY: '1', B_BASE_URL: 'http://localhost:1', STRIPE_API_KEY: 'x' }
    const { send } = planSecrets({ worker: 'w', has: new Set(), sent: {}, settings, make })
    expect(Object.keys(send).toSorted()).toEqual(['A_API_KEY', 'A_BASE_URL', 'SLUICE_ADMIN_KEY', 'SLUICE_KEY_SECRET'])
  })
})

describe('an address made of settings', () => {
  const cloudflare = providerById('cloudflare')
  it('is Cloudflare’s with the account’s id in it', () => {
    expect(cloudflare?.address?.baseUrl(() => 'abc123')).toBe('https://api.cloudflare.com/client/v4/accounts/abc123/ai/v1')
    for (const odd of ['', '../x', 'a/b', 'a?b', 'a#b']) expect(cloudflare?.address?.baseUrl(() => odd)).toBeNull()
  })
  it('is missing until it is said in one way or the other', () => {
    if (cloudflare === undefined) throw new Error('no cloudflare')
    const has =
      (...names: string[]) =>
      (name: string) =>
        names.includes(name)
    expect(missingSettings(cloudflare, has('CLOUDFLARE_API_KEY'))).toEqual(['CLOUDFLARE_ACCOUNT_ID'])
    expect(isConfigured(cloudflare, has('CLOUDFLARE_API_KEY', 'CLOUDFLARE_ACCOUNT_ID'))).toBe(true)
    expect(isConfigured(cloudflare, has('CLOUDFLARE_API_KEY', 'CLOUDFLARE_BASE_URL'))).toBe(true)
  })
})
