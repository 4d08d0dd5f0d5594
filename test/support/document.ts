import type { FastifyInstance } from 'fastify'

/** The parts of the OpenAPI document that tests look at. */
export interface Document {
  info: { description: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}
export interface Operation {
  operationId: string
  summary: string
  tags: string[]
  security?: object[]
  parameters?: Array<{ schema: object }>
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { description: string, headers?: Record<string, object>, content?: Record<string, Media> }>
}
export interface Media { schema: { $ref: string }, example?: unknown, examples?: Record<string, { value: unknown }> }

export const documentOf = (app: FastifyInstance) => app.swagger() as unknown as Document

/** All operations, in the order of the document, each with its path and method. */
export const operationsOf = ({ paths }: Document) => Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })))

/** The examples of a body or an answer. */
export const examplesOf = ({ example, examples }: Media): unknown[] =>
  examples ? Object.values(examples).map(({ value }) => value) : example === undefined ? [] : [example]
