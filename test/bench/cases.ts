// What is measured: each case names the request, where it goes, and the bare case it is held against.

import type { Language } from './answers.ts'
import type { Call } from './load.ts'
import type { Gateway, Place } from './places.ts'

export type Places = { readonly upstream: Place; readonly bare: Place; readonly sluice: Gateway }

/** Events as fast as the upstream can write them, or so far apart that each arrives by itself, as a model's tokens do. */
export type Pace = 'whole' | 'spaced' | 'racing'

export type Case = {
  readonly id: string
  readonly title: string
  readonly place: keyof Places
  readonly pace: Pace
  /** The case of the same round that ratios are against. */
  readonly baseline: string
  readonly call: Call
}

export const CONCURRENCIES: { readonly [pace in Pace]: readonly number[] } = { whole: [1, 16, 64], spaced: [1, 16], racing: [1, 16] }

/** Spaced events, in milliseconds; workerd needs less for any of them, at 16 streams too. */
const GAP_MS: { readonly [pace in Pace]: number } = { whole: 0, spaced: 2, racing: 0 }

const SYSTEM =
  'You answer in short, plain sentences. Where you are not sure you say so. Units are metric and dates are written out, so that nobody has to guess which number is the month.'
const QUESTION =
  'Our office has three meeting rooms and eleven people who book them by shouting. Name a way of booking that needs no software, and say what goes wrong with it first.'
const EARLIER =
  'A sheet of paper on each door works until somebody takes the pen away. Before I suggest another way: do people book for the same day, or for the week ahead?'
const REPLY = 'Mostly for the same day, sometimes for the morning after.'

const MODELS: { readonly [language in Language]: string } = {
  'openai-chat': 'gpt-4o-mini',
  'anthropic-messages': 'claude-haiku-4-5',
  gemini: 'gemini-2.5-flash',
}

/** All cases, in the order in which a round runs them. */
export function cases(places: Places): readonly Case[] {
  const { upstream, bare, sluice } = places
  const direct = (place: 'upstream' | 'bare', language: Language, pace: Pace, baseline: string): Case => ({
    id: `${place}-${language}-${pace}`,
    title: `${place === 'bare' ? 'bare pass-through' : 'upstream alone'}, ${language}`,
    place,
    pace,
    baseline,
    call: nativeCall((place === 'bare' ? bare : upstream).port, language, pace),
  })
  const through = (id: string, title: string, language: Language, pace: Pace, client: ClientCall): Case => ({
    id: `${id}-${pace}`,
    title,
    place: 'sluice',
    pace,
    baseline: `bare-${language}-${pace}`,
    call: clientCall(sluice.port, client, pace),
  })
  const { key, budgetedKey, leasedKey } = sluice
  const streams = (pace: Pace): readonly Case[] => [
    direct('upstream', 'openai-chat', pace, `bare-openai-chat-${pace}`),
    direct('bare', 'openai-chat', pace, `bare-openai-chat-${pace}`),
    through('forward', 'forwarded, usage asked for', 'openai-chat', pace, {
      speaks: 'openai-chat',
      to: 'openai/gpt-4o-mini',
      key,
      usage: true,
    }),
    through('forward-filtered', 'forwarded, usage chunk taken out', 'openai-chat', pace, {
      speaks: 'openai-chat',
      to: 'openai/gpt-4o-mini',
      key,
      usage: false,
    }),
    through('translate-from-openai', 'translated, openai-chat for an anthropic client', 'openai-chat', pace, {
      speaks: 'anthropic-messages',
      to: 'openai/gpt-4o-mini',
      key,
    }),
    direct('bare', 'anthropic-messages', pace, `bare-anthropic-messages-${pace}`),
    through('forward-anthropic', 'forwarded, anthropic-messages', 'anthropic-messages', pace, {
      speaks: 'anthropic-messages',
      to: 'anthropic/claude-haiku-4-5',
      key,
    }),
    direct('bare', 'gemini', pace, `bare-gemini-${pace}`),
    through('translate-from-gemini', 'translated, gemini for an openai client', 'gemini', pace, {
      speaks: 'openai-chat',
      to: 'google/gemini-2.5-flash',
      key,
      usage: true,
    }),
  ]
  return [
    direct('upstream', 'openai-chat', 'whole', 'bare-openai-chat-whole'),
    direct('bare', 'openai-chat', 'whole', 'bare-openai-chat-whole'),
    through('forward', 'forwarded', 'openai-chat', 'whole', { speaks: 'openai-chat', to: 'openai/gpt-4o-mini', key }),
    through('forward-budgeted', 'forwarded, key with a budget', 'openai-chat', 'whole', {
      speaks: 'openai-chat',
      to: 'openai/gpt-4o-mini',
      key: budgetedKey,
    }),
    through('forward-leased', 'forwarded, leased key with a budget', 'openai-chat', 'whole', {
      speaks: 'openai-chat',
      to: 'openai/gpt-4o-mini',
      key: leasedKey,
    }),
    direct('bare', 'anthropic-messages', 'whole', 'bare-anthropic-messages-whole'),
    through('translate', 'translated, anthropic-messages for an openai client', 'anthropic-messages', 'whole', {
      speaks: 'openai-chat',
      to: 'anthropic/claude-haiku-4-5',
      key,
    }),
    ...streams('spaced'),
    ...streams('racing'),
  ]
}

type ClientCall = {
  readonly speaks: 'openai-chat' | 'anthropic-messages'
  readonly to: string
  readonly key: string
  readonly usage?: boolean
}

function clientCall(port: number, client: ClientCall, pace: Pace): Call {
  const { speaks, to, key, usage = false } = client
  const headers = speaks === 'openai-chat' ? { authorization: `Bearer ${key}` } : { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
  return {
    port,
    path: speaks === 'openai-chat' ? '/v1/chat/completions' : '/v1/messages',
    headers,
    body: requestBody(speaks, to, pace, usage),
  }
}

/** The request as the provider itself takes it. */
function nativeCall(port: number, language: Language, pace: Pace): Call {
  const body = requestBody(language, MODELS[language], pace, true)
  switch (language) {
    case 'openai-chat':
      return { port, path: '/v1/chat/completions', headers: { authorization: 'Bearer sk-bench' }, body }
    case 'anthropic-messages':
      return { port, path: '/v1/messages', headers: { 'x-api-key': 'sk-bench', 'anthropic-version': '2023-06-01' }, body }
    case 'gemini':
      return {
        port,
        path: `/v1beta/models/${MODELS.gemini}:${pace === 'whole' ? 'generateContent' : 'streamGenerateContent?alt=sse'}`,
        headers: { 'x-goog-api-key': 'sk-bench' },
        body,
      }
    default:
      return language satisfies never
  }
}

function requestBody(language: Language, model: string, pace: Pace, usage: boolean): string {
  const question = GAP_MS[pace] === 0 ? QUESTION : `${QUESTION} gap=${GAP_MS[pace]}` // the upstream goes by this word
  const stream = pace !== 'whole'
  const turns = [
    { role: 'user', content: QUESTION },
    { role: 'assistant', content: EARLIER },
    { role: 'user', content: `${REPLY} ${question}` },
  ]
  switch (language) {
    case 'openai-chat':
      return JSON.stringify({
        model,
        messages: [{ role: 'system', content: SYSTEM }, ...turns],
        temperature: 0.7,
        max_tokens: 256,
        ...(stream ? { stream, ...(usage ? { stream_options: { include_usage: true } } : {}) } : {}),
      })
    case 'anthropic-messages':
      return JSON.stringify({ model, max_tokens: 256, system: SYSTEM, messages: turns, temperature: 0.7, ...(stream ? { stream } : {}) })
    case 'gemini':
      return JSON.stringify({
        contents: turns.map(({ role, content }) => ({ role: role === 'assistant' ? 'model' : role, parts: [{ text: content }] })),
        systemInstruction: { parts: [{ text: SYSTEM }] },
        generationConfig: { temperature: 0.7, maxOutputTokens: 256 },
      })
    default:
      return language satisfies never
  }
}
