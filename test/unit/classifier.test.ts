// The classifier of prompts: what it counts, what it is packed into, that the trained file is what training makes, and what it must never call easy.

import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { classified, shippedClassifier } from '../../scripts/classify.ts'
import { trainedOn } from '../../scripts/train-router/crossed.ts'
import { apgr, auc, wordsOf } from '../../scripts/train-router/measure.ts'
import { outcomeOf } from '../../scripts/train-router/panels.ts'
import { loadLabelled, loadRows } from '../../scripts/train-router/rows.ts'
import { manifestOf, MODEL_FILE, train, TRAINED_FILE } from '../../scripts/train-router/train.ts'
import { loadWritten } from '../../scripts/train-router/written.ts'
import { subjectOf, TASK_TYPES } from '../../src/classifier/contract.ts'
import { DENSE, FeatureReader } from '../../src/classifier/features.ts'
import { needsInfo } from '../../src/classifier/needs-info.ts'
import { pack, unpack } from '../../src/classifier/model.ts'

const shipped = shippedClassifier()
const plain = (name: string): readonly string[] =>
  readFileSync(`test/fixtures/classifier/${name}.jsonl`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row: unknown = JSON.parse(line)
      return typeof row === 'object' && row !== null && 'prompt' in row && typeof row.prompt === 'string' ? row.prompt : ''
    })

function counted(text: string): { readonly [name: string]: number } {
  const { dense } = new FeatureReader().read(text)
  return Object.fromEntries(DENSE.map((name, k) => [name, dense[k] ?? NaN]))
}

describe('features', () => {
  it('count words, numbers, sentences and marks', () => {
    const of = counted('Tom has 12 apples, 3.5 pears and 1,200 nuts. How many (x + y)?')
    expect(of['words']).toBeCloseTo(Math.log1p(14))
    expect(of['stemWords']).toBeCloseTo(Math.log1p(14))
    expect(of['numbers']).toBeCloseTo(Math.log1p(3))
    expect(of['bigNumbers']).toBeCloseTo(Math.log1p(1))
    expect(of['decimals']).toBeCloseTo(Math.log1p(1))
    expect(of['operators']).toBeCloseTo(Math.log1p(1))
    expect(of['brackets']).toBeCloseTo(Math.log1p(2))
    expect(of['questions']).toBeCloseTo(Math.log1p(1))
    expect(of['letters']).toBeCloseTo(Math.log1p(2))
  })

  it('tell a question from its options', () => {
    const of = counted('Which one?\nA. 12 apples\nB. no apples at all\nC. a pear')
    expect(of['stemWords']).toBeCloseTo(Math.log1p(2))
    expect(of['words']).toBeCloseTo(Math.log1p(13))
    expect(of['optionNumbers']).toBeCloseTo(1 / 3)
    expect(counted('A. Smith came. He left.')['optionNumbers']).toBe(0)
  })

  it('are the same when a reader has read something else before', () => {
    const reader = new FeatureReader()
    const first = reader.read('Prove that the square root of two is irrational.')
    const before = { dense: [...first.dense], buckets: Array.from(first.buckets.subarray(0, first.count)) }
    reader.read('Something else: 1, 2, 3 {a: b}.')
    const again = reader.read('Prove that the square root of two is irrational.')
    expect({ dense: [...again.dense], buckets: Array.from(again.buckets.subarray(0, again.count)) }).toEqual(before)
  })

  it('are bounded: of a long text only its ends are read, and its length is not forgotten', () => {
    const middle = 'lorem ipsum dolor '.repeat(100_000)
    const of = counted(`Summarize this.\n${middle}`)
    expect(of['words']).toBeCloseTo(Math.log1p(300_002), 1)
    const reader = new FeatureReader()
    expect(reader.read(middle).count).toBeLessThan(1300)
  })
})

describe('the trained file', () => {
  it('is what training makes of the data in the repository', () => {
    const trained = train()
    expect(Buffer.from(trained.bytes).equals(readFileSync(MODEL_FILE))).toBe(true)
    expect(readFileSync(TRAINED_FILE, 'utf8')).toBe(manifestOf(trained))
  }, 120_000)

  it('is unpacked as it was packed', () => {
    const bytes = readFileSync(MODEL_FILE)
    expect(Buffer.from(pack(unpack(bytes))).equals(bytes)).toBe(true)
  })

  it('is refused when it is another', () => {
    const bytes = new Uint8Array(readFileSync(MODEL_FILE))
    expect(() => unpack(bytes.slice(0, -1))).toThrow(/train:router/)
    bytes[0] = 0
    expect(() => unpack(bytes)).toThrow(/train:router/)
  })
})

describe('verdicts', () => {
  it('call at most a tenth of plain hard questions easy, and most plain easy ones', () => {
    const easy = (prompts: readonly string[]): number =>
      prompts.filter((prompt) => shipped.classify(subjectOf(prompt)).difficulty === 'easy').length
    const [hard, simple] = [plain('plain-hard'), plain('plain-easy')]
    expect(hard).toHaveLength(100)
    expect(simple).toHaveLength(100)
    expect(easy(hard)).toBeLessThanOrEqual(10)
    expect(easy(simple)).toBeGreaterThanOrEqual(50)
    const scores = [...hard, ...simple].map((prompt) => shipped.classify(subjectOf(prompt)).score)
    expect(auc(scores, [...hard.map(() => 1), ...simple.map(() => 0)])).toBeGreaterThan(0.85)
  })

  it('are whole for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 60 }), fc.nat(40), (prompt, system, tools) => {
        const verdict = shipped.classify(subjectOf(prompt, { system, tools, toolBytes: tools * 90 }))
        expect(verdict.score).toBeGreaterThan(0)
        expect(verdict.score).toBeLessThan(1)
        expect(TASK_TYPES).toContain(verdict.taskType)
        expect(verdict.types.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1)
        expect(Math.max(...verdict.types)).toBe(verdict.confidence)
      }),
      { numRuns: 300 },
    )
  })

  it('depend on nothing but the subject', () => {
    const prompt = 'How many ways are there to seat 8 people at two round tables of 4?'
    const first = shipped.classify(subjectOf(prompt))
    shipped.classify(subjectOf('hi', { system: 'You are a lawyer.' }))
    expect(shipped.classify(subjectOf(prompt))).toEqual(first)
  })

  it('are held back where nothing is like what was learnt from', () => {
    for (const prompt of ['', '   \n', 'これは何ですか。教えてください。', 'Привет, как дела? Расскажи мне о погоде.', 'kL9x '.repeat(60)])
      expect(shipped.classify(subjectOf(prompt)).abstains, prompt).toBe(true)
    for (const prompt of ['hi', 'Warum ist der Himmel blau und nicht grün?', 'Écris un poème sur la mer.', 'What is the capital of Peru?'])
      expect(shipped.classify(subjectOf(prompt)).abstains, prompt).toBe(false)
  })

  it('take tools for a sign that some will be called', () => {
    const prompt = 'Is there anything free on Tuesday afternoon?'
    const [without, beside] = [shipped.classify(subjectOf(prompt)), shipped.classify(subjectOf(prompt, { tools: 6, toolBytes: 3000 }))]
    const at = TASK_TYPES.indexOf('tool-use')
    expect(beside.types[at] ?? 0).toBeGreaterThan(without.types[at] ?? 1)
    expect(beside.score).toBeGreaterThan(without.score)
  })
})

describe('a source that was not learnt from', () => {
  it('is ordered better than by the number of words', () => {
    const rows = loadRows()
    const classifier = trainedOn({
      rows: rows.filter(({ source }) => source !== 'mmlu-pro'),
      written: loadWritten(),
      labelled: loadLabelled(),
    })
    const left = rows.filter(({ source }) => source === 'mmlu-pro')
    const outcomes = left.map(outcomeOf)
    const ours = apgr(
      left.map(({ prompt }) => classifier.classify(subjectOf(prompt)).score),
      outcomes,
    )
    const byWords = apgr(
      left.map(({ prompt }) => wordsOf(prompt)),
      outcomes,
    )
    expect(ours).toBeGreaterThan(byWords + 0.03)
  }, 120_000)

  it('asks nobody back: the rules are silent on examination questions', () => {
    const rows = loadRows()
    const fired = rows.filter(({ prompt }) => needsInfo(subjectOf(prompt)) !== null)
    expect(fired.length / rows.length).toBeLessThanOrEqual(0.001)
  })
})

describe('npm run classify', () => {
  it('answers a row', () => {
    const row = classified('{"id": 7, "prompt": "Fix it.", "scores": {}}', shipped)
    expect(row).toMatchObject({ id: 7, task_type: expect.any(String), needs_info: true })
    expect(Object.keys(row)).toEqual(['id', 'score', 'task_type', 'difficulty', 'needs_info', 'micros'])
  })

  it.each([
    ['[]', /"id"/],
    ['{"id": "a"}', /"prompt"/],
    ['{"id": {}, "prompt": "x"}', /"id"/],
    ['{"id": 1, "prompt": "x", "system": 3}', /"system"/],
    ['no', /JSON/],
  ])('says what is wrong with %s', (line, why) => {
    expect(() => classified(line, shipped)).toThrow(why)
  })
})

describe('measures', () => {
  const outcomes = [
    { cheap: 1, strong: 1 },
    { cheap: 0, strong: 1 },
    { cheap: 1, strong: 1 },
    { cheap: 0, strong: 1 },
  ]
  it('know the best, the worst and no order', () => {
    expect(apgr([0, 1, 0, 1], outcomes)).toBeCloseTo(0.75)
    expect(apgr([1, 0, 1, 0], outcomes)).toBeCloseTo(0.25)
    expect(apgr([1, 1, 1, 1], outcomes)).toBeCloseTo(0.5)
    expect(auc([0, 1, 0, 1], [0, 1, 0, 1])).toBe(1)
    expect(auc([1, 1, 1, 1], [0, 1, 0, 1])).toBe(0.5)
  })
})
