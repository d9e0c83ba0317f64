// The classifier on prompts of a source that it has not seen: one fit for each source that is left out.

import { subjectOf } from '../../src/classifier/contract.ts'
import { pack, TrainedClassifier, unpack } from '../../src/classifier/model.ts'
import type { Verdict } from '../../src/classifier/contract.ts'
import { fit, type Material } from './fit.ts'
import type { Row } from './rows.ts'

/** Verdicts in the order of the rows, each by a fit that has not seen the row's source. Rows of bfcl are never learnt from. */
export function crossed(material: Material, tell: (line: string) => void): readonly Verdict[] {
  const verdicts = new Map<Row, Verdict>()
  for (const source of new Set(material.rows.map((row) => row.source))) {
    tell(`Fitting without ${source} …`)
    const classifier = trainedOn({ ...material, rows: material.rows.filter((row) => row.source !== source && row.source !== 'bfcl') })
    for (const row of material.rows) if (row.source === source) verdicts.set(row, classifier.classify(subjectOf(row.prompt)))
  }
  return material.rows.map((row) => {
    const verdict = verdicts.get(row)
    if (verdict === undefined) throw new Error(`No verdict on ${row.id}.`)
    return verdict
  })
}

/** By way of the packed bytes, so that what is measured is what ships. */
export function trainedOn(material: Material): TrainedClassifier {
  return new TrainedClassifier(unpack(pack(fit(material))), 'measured')
}
