// What the models behind Bedrock can be told, as far as a name tells: each family has settings of its own.

export type Family = 'claude' | 'nova' | 'nova-2' | 'gpt-oss' | 'other'

/** `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `amazon.nova-2-lite-v1:0`, an ARN that ends in such a name. */
export function familyOf(model: string): Family {
  if (model.includes('claude')) return 'claude'
  if (model.includes('nova-2')) return 'nova-2'
  if (model.includes('nova')) return 'nova'
  return model.includes('gpt-oss') ? 'gpt-oss' : 'other'
}

/** A schema for the reply or for arguments, held to: not in the older families. Source: docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html */
export function takesSchemas(model: string): boolean {
  if (familyOf(model) === 'claude') return generationOf(model) >= 4.05
  return !/(amazon|meta|cohere|ai21|writer|deepseek\.r1)[.-]/.test(model)
}

/** Whether cache points may live an hour. */
export function takesHourLongCache(model: string): boolean {
  return familyOf(model) === 'claude' && generationOf(model) >= 4.05
}

function generationOf(model: string): number {
  const match = /claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model)
  return match === null ? 0 : Number(match[1]) + Number(match[2] ?? 0) / 100
}
