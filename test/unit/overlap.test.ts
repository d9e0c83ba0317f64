// What a second text repeats of a first that broke off, and what it does not.

import { describe, expect, it } from 'vitest'
import { Seam } from '../../src/core/overlap.ts'

const STORY = 'Once upon a time a fox lived in a wood, and every morning it went down to the river to look for fi'

/** What is written behind `sent` when `more` comes in pieces of each size; `null`: it is another text. */
function joined(sent: string, more: string, lostSpaces = false): string | null {
  const outs = new Set<string | null>()
  for (const size of [1, 2, 3, 7, more.length]) {
    const seam = new Seam(sent, lostSpaces)
    let out = ''
    for (let at = 0; at < more.length; at += size) out += seam.take(more.slice(at, at + size))
    out += seam.end()
    if (seam.startsOver) expect(out).toBe('')
    outs.add(seam.startsOver ? null : out)
  }
  expect(outs.size).toBe(1) // how it is cut changes nothing
  return [...outs][0] ?? null
}

describe('where a text is carried on', () => {
  it.each([
    ['goes on in the middle of a word', 'sh.', 'sh.'],
    ['says the word again', 'fish.', 'sh.'],
    ['says the last words again', 'river to look for fish.', 'sh.'],
    ['says all of it again', `${STORY}sh.`, 'sh.'],
    ['says all of it again and no more', STORY, ''],
    ['says nothing', '', ''],
    ['says something that fits to nothing', 'Sure! Here it goes on: sh.', 'Sure! Here it goes on: sh.'],
  ])('%s', (_, more, out) => expect(joined(STORY, more)).toBe(out))

  it('a beginning that then goes another way is no continuation', () => {
    expect(joined(STORY, `${STORY.slice(0, 60)} the hill instead.`)).toBeNull()
    expect(joined(STORY, STORY.slice(0, 60))).toBeNull()
    expect(joined('Sure,', 'Sure! Here')).toBeNull()
  })

  it.each([
    ['letters that are the same by chance', 'I say hel', 'lo.', 'lo.'],
    ['a word of two beginnings', 'the l', 'lama', 'lama'],
    ['a whole word of one letter', 'it was a', 'a cat', ' cat'],
    ['a partial word at the very beginning', 'Go', 'Good', 'od'],
    ['a space that the words bring', 'the end', ' is near', ' is near'],
    ['a paragraph', 'one\n', '\n- two', '\n- two'],
    ['marks', '| a | b |\n| c ', '| d', '| d'],
    ['scripts without spaces', '今天我们一起去', '一起去公园', '一起去公园'],
    ['more of scripts without spaces', '今天我们一起去', '我们一起去公园', '公园'],
    ['pairs of units', 'so 👩‍🚀 flies 🚀', 'flies 🚀 up', ' up'],
  ])('%s', (_, sent, more, out) => expect(joined(sent, more)).toBe(out))

  it('white space that was not told on is not said twice', () => {
    expect(joined('the quick ', ' brown', true)).toBe('brown')
    expect(joined('the quick ', ' brown', false)).toBe(' brown')
  })

  it('texts beyond the window: all of it again, or its end', () => {
    const long = Array.from({ length: 3000 }, (_, i) => `sentence ${i}`).join('. ')
    expect(joined(long, `${long} and on`)).toBe(' and on')
    expect(joined(long, `${long.slice(-300)} and on`)).toBe(' and on')
    expect(joined(long, `${long.slice(0, -300)} and on`)).toBeNull()
  })

  it('never gives out a beginning that it takes back: what is out and what comes is the whole', () => {
    for (let cut = 1; cut < STORY.length; cut++) {
      const sent = STORY.slice(0, cut)
      for (let from = 0; from <= cut; from++) {
        const more = STORY.slice(from)
        const out = joined(sent, more)
        if (from === 0 || cut - from >= 8) expect([cut, from, out]).toEqual([cut, from, STORY.slice(cut)])
      }
    }
  })
})
