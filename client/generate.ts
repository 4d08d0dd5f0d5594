import { readFileSync, writeFileSync } from 'node:fs'
import type { OpenAPI3 } from 'openapi-typescript'
import { schemaModule } from './generator.js'

// `npm run client`: the types and the version of the client become those of openapi.json.
const here = (path: string) => new URL(path, import.meta.url)
const json = (path: string): unknown => JSON.parse(readFileSync(here(path), 'utf8'))

const document = json('../openapi.json') as OpenAPI3
writeFileSync(here('src/schema.ts'), await schemaModule(document))
writeFileSync(here('package.json'), `${JSON.stringify({ ...json('package.json') as object, version: document.info.version }, null, 2)}\n`)
