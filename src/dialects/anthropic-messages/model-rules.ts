// What Claude models refuse, told by the model's name, for translated requests: a 400 for a member that the client's own language has anyway helps nobody.

export type ModelRules = {
  /** Thinking is `adaptive` with an effort; a budget is refused. Sampling other than the default is refused, too. */
  readonly adaptiveOnly: boolean
  /** Thinking may be `adaptive` with an effort, so an effort need not be made a budget. */
  readonly adaptive: boolean
  /** `temperature` and `top_p` may not stand together. */
  readonly oneOfTemperatureAndTopP: boolean
  /** It goes on where the last turn, its own, ends. */
  readonly prefill: boolean
}

/**
 * By generation, from Anthropic's migration guides: adaptive since 4.6 and only so since Claude Opus 4.7 and all of the fifth generation, one sampling
 * member since 4.1, no prefill since 4.6 (https://platform.claude.com/docs/en/about-claude/models/migration-guide). Names that are not Claude's have no rules.
 */
export function rulesOf(model: string): ModelRules {
  const match = /claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model)
  const generation = match === null ? 0 : Number(match[1]) + Number(match[2] ?? 0) / 100
  return {
    adaptiveOnly: generation >= 4.07,
    adaptive: generation >= 4.06,
    oneOfTemperatureAndTopP: generation >= 4.01,
    prefill: generation === 0 ? model.includes('claude-3') : generation < 4.06,
  }
}
