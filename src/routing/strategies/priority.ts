// The operator's own order.

import type { Strategy } from '../contract.ts'
import { ranked } from '../ordering.ts'

export const priority: Strategy = {
  id: 'priority',
  order: (options) => ranked(options, (option) => option.priority, 'priority'),
}
