// Owns which provider of ours is which in each source. A provider that is not here is not in the catalogue.

export type Place = {
  /** litellm's `litellm_provider` values, and the prefixes to take off its names; a name that still has a slash is kept only where `slashes` says that names have them. */
  readonly litellm?: { readonly providers: readonly string[]; readonly prefixes: readonly string[]; readonly slashes: boolean }
  readonly modelsDev?: readonly string[]
  readonly genai?: string
  /** The author under which OpenRouter lists the provider's own models. */
  readonly author?: string
  /** Makers whose announced price changes it follows when genai-prices does not know the place itself. */
  readonly follows?: readonly string[]
  /** Every answer searches, so that the search fee is one a request. */
  readonly searchesAlways?: true
  /** It bills an image that is sent by the token: a price an image in litellm's row is the same charge in another unit. */
  readonly imagesAreTokens?: true
  /** Its models are free by nature: nothing is paid to anybody for a token. */
  readonly free?: true
}

const own = (provider: string, prefixes: readonly string[] = [`${provider}/`], slashes = true) => ({
  providers: [provider],
  prefixes,
  slashes,
})

export const PLACES: Readonly<Record<string, Place>> = {
  alibaba: { litellm: own('dashscope'), modelsDev: ['alibaba'], author: 'qwen' },
  anthropic: { litellm: own('anthropic', [], false), modelsDev: ['anthropic'], genai: 'anthropic', author: 'anthropic' },
  azure: {
    litellm: { providers: ['azure', 'azure_text', 'azure_ai'], prefixes: ['azure/', 'azure_ai/', 'azure_text/'], slashes: false },
    modelsDev: ['azure'],
    genai: 'azure',
    follows: ['openai', 'anthropic'],
  },
  bedrock: {
    litellm: { providers: ['bedrock', 'bedrock_converse', 'bedrock_mantle'], prefixes: ['bedrock/', 'bedrock_mantle/'], slashes: false },
    modelsDev: ['amazon-bedrock'],
    genai: 'aws',
  },
  cerebras: { litellm: own('cerebras'), modelsDev: ['cerebras'], genai: 'cerebras' },
  cloudflare: { litellm: own('cloudflare'), modelsDev: ['cloudflare-workers-ai'] },
  cohere: {
    litellm: { providers: ['cohere', 'cohere_chat'], prefixes: ['cohere/'], slashes: false },
    modelsDev: ['cohere'],
    genai: 'cohere',
    author: 'cohere',
  },
  deepinfra: { litellm: own('deepinfra'), modelsDev: ['deepinfra'] },
  deepseek: { litellm: own('deepseek'), modelsDev: ['deepseek'], genai: 'deepseek', author: 'deepseek' },
  fireworks: {
    litellm: { providers: ['fireworks_ai', 'fireworks_ai-embedding-models'], prefixes: ['fireworks_ai/'], slashes: true },
    modelsDev: ['fireworks-ai'],
    genai: 'fireworks',
  },
  google: { imagesAreTokens: true, litellm: own('gemini', ['gemini/'], false), modelsDev: ['google'], genai: 'google', author: 'google' },
  groq: { litellm: own('groq'), modelsDev: ['groq'], genai: 'groq' },
  huggingface: { modelsDev: ['huggingface'] },
  hyperbolic: { litellm: own('hyperbolic') },
  jina: { litellm: own('jina_ai') },
  mistral: { litellm: own('mistral'), modelsDev: ['mistral'], genai: 'mistral', author: 'mistralai' },
  moonshot: { litellm: own('moonshot'), modelsDev: ['moonshotai'], genai: 'moonshotai', author: 'moonshotai' },
  novita: { litellm: own('novita'), modelsDev: ['novita-ai'], genai: 'novita' },
  nvidia: { litellm: own('nvidia_nim'), modelsDev: ['nvidia'] },
  ollama: { litellm: own('ollama'), free: true },
  openai: {
    litellm: { providers: ['openai', 'text-completion-openai'], prefixes: ['openai/'], slashes: false },
    modelsDev: ['openai'],
    genai: 'openai',
    author: 'openai',
  },
  openrouter: { modelsDev: ['openrouter'], genai: 'openrouter' },
  perplexity: { searchesAlways: true, litellm: own('perplexity'), modelsDev: ['perplexity'], genai: 'perplexity', author: 'perplexity' },
  sambanova: { litellm: own('sambanova') },
  together: { litellm: own('together_ai'), modelsDev: ['togetherai'], genai: 'together' },
  vertex: {
    imagesAreTokens: true,
    litellm: {
      providers: [
        '',
        '-ai21_models',
        '-anthropic_models',
        '-deepseek_models',
        '-embedding-models',
        '-image-models',
        '-language-models',
        '-llama_models',
        '-minimax_models',
        '-mistral_models',
        '-moonshot_models',
        '-openai_models',
        '-qwen_models',
        '-text-models',
        '-zai_models',
      ].map((kind) => `vertex_ai${kind}`),
      prefixes: ['vertex_ai/'],
      slashes: true,
    },
    modelsDev: ['google-vertex', 'google-vertex-anthropic'],
    follows: ['anthropic', 'google'],
  },
  voyage: { litellm: own('voyage'), genai: 'voyageai' },
  xai: { litellm: own('xai'), modelsDev: ['xai'], genai: 'x-ai', author: 'x-ai' },
  zai: { litellm: own('zai'), modelsDev: ['zai'], genai: 'zai', author: 'z-ai' },
}

/** Names that a size, a quality or a step count leads, such as `1024-x-1024/dall-e-2`: rows of litellm's, not models. Likewise its price classes by parameter count. */
export function isModelName(name: string): boolean {
  return !/(^|\/)(\d+|max)-x-(\d+|max)\/|\*|\s|^(together-ai|fireworks-ai)-|^container$/.test(name)
}
