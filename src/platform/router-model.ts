// The trained classifier of the Worker: its bytes come as a module of their own, and are decoded once an isolate, when they are first needed.

import { TrainedClassifier, unpack } from '../classifier/model.ts'
import bytes from '../classifier/router.bin'
import { TRAINED } from '../classifier/trained.ts'

let classifier: TrainedClassifier | null = null

export function routerModel(): TrainedClassifier {
  classifier ??= new TrainedClassifier(unpack(new Uint8Array(bytes)), TRAINED.version)
  return classifier
}
