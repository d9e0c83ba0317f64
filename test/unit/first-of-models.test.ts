// A body that names its model only in `models`.

import { expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { withFirstOfModels } from '../../src/gateway/first-of-models.ts'

const bodyOf = (text: string): Body => new Body(new TextEncoder().encode(text))
const textOf = (body: Body): string => new TextDecoder().decode(body.bytes)

it.each([
  ['{"models":["a/b","c"],"n":1.0}', '{"models":["a/b","c"],"n":1.0,"model":"a/b"}'],
  ['{"model":null,"models":["a"]}', '{"model":"a","models":["a"]}'],
  ['{"model":"x","models":["a"]}', '{"model":"x","models":["a"]}'],
  ['{"models":[]}', '{"models":[]}'],
  ['{"models":[{}]}', '{"models":[{}]}'],
  ['{"models":"a"}', '{"models":"a"}'],
  ['{}', '{}'],
])('%s becomes %s', (text, made) => expect(textOf(withFirstOfModels(bodyOf(text)))).toBe(made))
