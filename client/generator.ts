import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript'

interface Answer { content?: Record<string, { schema: { $ref: string } }> }

/**
 * The client's types, and the answers that it knows, from the API's document.
 * @param document an OpenAPI 3.1 document as JSON has it
 * @returns the text of src/schema.ts
 */
export async function schemaModule (document: OpenAPI3): Promise<string> {
  const answers = Object.entries(document.paths!).flatMap(([path, operations]) =>
    Object.entries(operations as Record<string, { responses: Record<string, Answer> }>).map(([method, { responses }]) =>
      `  '${method} ${path}': { ${known(responses).map(([status, answer]) => `${status}: ${Number(status) < 400 ? membersOf(answer) : '[]'}`).join(', ')} }`))

  /** The members that the JSON of an answer has, as code. */
  function membersOf ({ content }: Answer): string {
    const name = content?.['application/json']?.schema.$ref.split('/').at(-1)
    const { required = [] } = name === undefined ? {} : document.components!.schemas![name]! as { required?: string[] }
    return `[${required.map((member) => `'${member}'`).join(', ')}]`
  }

  return `/* eslint-disable */
// Made from openapi.json by \`npm run client\`. Do not edit.

${astToString(await openapiTS(document))}
/** The statuses that each operation can answer, and the members of each success. */
export const answers: Record<string, Record<number, readonly string[]>> = {
${answers.join(',\n')}
}
`
}

/** All but 304, which is for a request that says what it has: browsers ask so by themselves, and hand out what they have. */
const known = (responses: Record<string, Answer>) => Object.entries(responses).filter(([status]) => status !== '304')
