/** A document of an API, to be changed. */
export const notes = {
  info: { version: '1.0.0' },
  paths: {
    '/notes': {
      get: {
        operationId: 'listNotes',
        parameters: [
          { in: 'query', name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 } }
        ],
        responses: {
          200: {
            headers: { Link: { schema: { type: 'string' } } },
            content: { 'application/json': { schema: { type: 'array', minItems: 1, maxItems: 100, items: { $ref: '#/components/schemas/Note' } } } }
          },
          401: { content: {} }
        }
      },
      post: {
        operationId: 'createNote',
        security: [{ bearer: [] }],
        requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/NoteCreate' } } } },
        responses: { 201: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Note' } } } } }
      },
      delete: {
        operationId: 'deleteNotes',
        parameters: [{ in: 'query', name: 'before', required: true, schema: { type: 'string' } }],
        responses: { 204: {} }
      }
    }
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'A token' } },
    schemas: {
      Note: {
        type: 'object',
        required: ['text', 'kind'],
        properties: {
          text: { type: 'string', maxLength: 200, title: 'Text', description: 'Any text', format: 'markdown' },
          color: { type: ['string', 'null'] },
          kind: { enum: ['memo', 'draft'] }
        },
        additionalProperties: false
      },
      NoteCreate: {
        type: 'object',
        required: ['text'],
        properties: {
          text: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[a-z]+$' },
          color: { type: ['string', 'null'] },
          kind: { enum: ['memo', 'draft'] },
          weight: { type: 'integer' }
        }
      }
    }
  }
}

/** The document with one value changed; undefined removes it. */
export function changed (place: string, value: unknown): object {
  const copy = structuredClone(notes)
  const names = place.split(' ')
  const last = names.pop()!
  const parent = names.reduce((at, name) => (at as Record<string, object>)[name]!, copy as object) as Record<string, unknown>
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}
