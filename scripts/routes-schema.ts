// `npm run routes-schema`: docs/routes.schema.json, the JSON Schema of the route document for editors.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { routeJsonSchema } from '../src/routing/document-shape.ts'

const FILE = join(import.meta.dirname, '../docs/routes.schema.json')

writeFileSync(FILE, `${JSON.stringify(routeJsonSchema(), null, 2)}\n`)
console.log(`${FILE} written.`)
