// What others call the places that we know: OpenRouter's slugs and display names, LiteLLM's prefixes, Portkey's slugs. Only names; who is set up is asked elsewhere.

/** By letters and digits alone. */
const OTHERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    alibaba: 'alibabacloud dashscope qwen',
    azure: 'azureopenai azureai azurefoundry',
    bedrock: 'amazonbedrock awsbedrock',
    cloudflare: 'workersai cloudflareworkersai',
    cohere: 'coherechat',
    fireworks: 'fireworksai',
    google: 'googleaistudio gemini googleai',
    huggingface: 'huggingfacehub hf',
    jina: 'jinaai',
    mistral: 'mistralai',
    moonshot: 'moonshotai kimi',
    novita: 'novitaai',
    nvidia: 'nvidianim',
    perplexity: 'perplexityai',
    sambanova: 'sambanovacloud',
    together: 'togetherai',
    venice: 'veniceai',
    vertex: 'googlevertex vertexai googlevertexai',
    voyage: 'voyageai voyageaibymongodb',
    xai: 'grok',
    zai: 'zhipu zhipuai',
  }).flatMap(([id, names]) => [id, ...names.split(' ')].map((name) => [name, id] as const)),
)

/** `Z.AI`, `z-ai` and `zai` are one name. */
function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** Whether this name, ours or another's, means the provider with this id. A slug that is longer than any name means nobody. */
export function meansProvider(name: string, id: string): boolean {
  if (name.length > 64) return false
  const plain = bare(name)
  if (plain === '') return false
  return plain === bare(id) || OTHERS.get(plain) === id
}

/** The provider that the name means, in its own spelling here; a name that we do not know stays as it is, in lower case. */
export function providerNamed(name: string): string {
  const lower = name.toLowerCase()
  return OTHERS.get(bare(name)) ?? lower
}

/** Whether OpenRouter's `slug` or `slug/tag` means this place: the tag is its quantization or its region, or the beginning of its region's name. */
export function meansPlace(slug: string, place: { readonly provider: string; readonly tags: readonly string[] }): boolean {
  const slash = slug.indexOf('/')
  if (slash < 0) return meansProvider(slug, place.provider)
  if (!meansProvider(slug.slice(0, slash), place.provider)) return false
  const tag = slug.slice(slash + 1).toLowerCase()
  return place.tags.some((one) => one.toLowerCase() === tag || (tag !== '' && one.toLowerCase().startsWith(`${tag}-`)))
}
