// Who has the fewest calls running for its weight, as far as this isolate sees; equal ones by chance.

import type { Strategy } from '../contract.ts'
import { ranked, shuffled } from '../ordering.ts'

export const leastBusy: Strategy = {
  id: 'least-busy',
  order: (options, view) => ranked(shuffled(options, view.random), (option) => option.health.inFlight / option.weight, 'in-flight'),
}
