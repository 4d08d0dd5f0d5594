import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript'

/**
 * The client's types, and the statuses that it knows, from the API's document.
 * @param document an OpenAPI 3.1 document as JSON has it
 * @returns the text of src/schema.ts
 */
export async function schemaModule (document: OpenAPI3): Promise<string> {
  const statuses = Object.entries(document.paths!).flatMap(([path, operations]) =>
    Object.entries(operations as Record<string, { responses: object }>).map(([method, { responses }]) =>
      `  '${method} ${path}': [${Object.keys(responses).join(', ')}]`))
  return `/* eslint-disable */
// Made from openapi.json by \`npm run client\`. Do not edit.

${astToString(await openapiTS(document))}
/** The statuses that each operation can answer. */
export const statuses: Record<string, readonly number[]> = {
${statuses.join(',\n')}
}
`
}
