// The trained classifier of the Worker: its bytes come as a module of their own, and are decoded once an isolate, when something is first judged.

import type { Classifier } from '../classifier/contract.ts'
import { onFirstUse } from '../classifier/first-use.ts'
import { TrainedClassifier, unpack } from '../classifier/model.ts'
import bytes from '../classifier/router.bin'
import { TRAINED } from '../classifier/trained.ts'

export const ROUTER_MODEL: Classifier = onFirstUse(
  TRAINED.version,
  () => new TrainedClassifier(unpack(new Uint8Array(bytes)), TRAINED.version),
)
