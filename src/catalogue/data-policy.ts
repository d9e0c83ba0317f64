// What providers say they do with what is sent to them: whether it is kept, whether it may be used for training. Only what a source says of every customer by
// default: an agreement that an operator has of his own is said in the route table (`places`), which lies over this.

/** `retentionDays`: how long prompts or answers are kept in the ordinary course; 0: not at all, `null`: a source does not say. `trains`: they may be used to train or improve; `null`: likewise. */
export type DataPolicy = {
  readonly retentionDays: number | null
  readonly trains: boolean | null
  readonly source: string
  /** Models that others run behind the same address, under their own terms: beginnings of names. */
  readonly except?: readonly string[]
}

/** When the sources below were read. */
export const READ_ON = '2026-11-21'

const POLICIES: ReadonlyMap<string, DataPolicy> = new Map<string, DataPolicy>([
  ['openai', { retentionDays: 30, trains: false, source: 'developers.openai.com/api/docs/guides/your-data' }],
  [
    'azure',
    { retentionDays: null, trains: false, source: 'learn.microsoft.com/en-us/azure/ai-foundry/responsible-ai/openai/data-privacy' },
  ],
  // Paid services do not train, unpaid ones do; a key does not tell which it is.
  ['google', { retentionDays: 55, trains: null, source: 'ai.google.dev/gemini-api/docs/zdr, /docs/usage-policies' }],
  [
    'vertex',
    { retentionDays: null, trains: false, source: 'docs.cloud.google.com/gemini-enterprise-agent-platform/resources/zero-data-retention' },
  ],
  // The mode "default" leaves it to the model; only an account that is set to "none" keeps nothing.
  ['bedrock', { retentionDays: null, trains: null, source: 'docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html' }],
  // Kept for up to 30 days when reliability or abuse asks for it, unless the account opts out.
  ['groq', { retentionDays: null, trains: null, source: 'console.groq.com/docs/your-data' }],
  // The free plan may train, the paid one does not; a key does not tell which it is.
  ['mistral', { retentionDays: null, trains: null, source: 'help.mistral.ai/en/articles/323757' }],
  ['xai', { retentionDays: 30, trains: false, source: 'docs.x.ai/docs/faq/security' }],
  // Kept until deleted and used to improve the product unless the organisation turns it off.
  ['together', { retentionDays: null, trains: true, source: 'docs.together.ai/docs/zero-data-retention' }],
  // Its Responses API keeps conversations for 30 days; it is not called here.
  [
    'fireworks',
    {
      retentionDays: 0,
      trains: null,
      source: 'docs.fireworks.ai/guides/security_compliance/data_handling: open models',
      except: ['accounts/fireworks/routers/', 'firerouter/'],
    },
  ],
  ['perplexity', { retentionDays: 0, trains: false, source: 'docs.perplexity.ai/docs/resources/privacy-security' }],
  ['deepinfra', { retentionDays: 0, trains: false, source: 'docs.deepinfra.com/account/data-privacy', except: ['google/', 'anthropic/'] }],
  ['cohere', { retentionDays: 30, trains: true, source: 'cohere.com/data-usage-policy (5 December 2025)' }],
  ['cloudflare', { retentionDays: null, trains: false, source: 'developers.cloudflare.com/workers-ai/platform/data-usage' }],
  // They pass requests on to others, whose terms count.
  ['huggingface', { retentionDays: null, trains: null, source: 'huggingface.co/docs/inference-providers/security' }],
  ['openrouter', { retentionDays: null, trains: null, source: 'openrouter.ai/docs/features/zdr' }],
  ['venice', { retentionDays: null, trains: null, source: 'docs.venice.ai/overview/privacy' }],
  // It answers inside the gateway.
  ['demo', { retentionDays: 0, trains: false, source: 'src/providers/demo.ts' }],
])

export type Handling = {
  /** It keeps nothing, for every customer. */
  readonly zdr: boolean
  /** It may use what is sent for its own ends. */
  readonly collects: boolean
}

/** What may be relied on for a model at a provider: what is not known counts as kept and as collected, and who keeps nothing has nothing to train on. `rule`: what the operator says of the place. */
export function handlingOf(provider: string, model: string, rule?: { readonly zdr?: boolean; readonly collects?: boolean }): Handling {
  const policy = POLICIES.get(provider)
  const known = policy === undefined || policy.except?.some((start) => model.startsWith(start)) === true ? null : policy
  const zdr = rule?.zdr ?? known?.retentionDays === 0
  return { zdr, collects: rule?.collects ?? !(zdr || known?.trains === false) }
}

/** The policy as its source says it; `null`: none is known here. */
export function dataPolicyOf(provider: string): DataPolicy | null {
  return POLICIES.get(provider) ?? null
}
