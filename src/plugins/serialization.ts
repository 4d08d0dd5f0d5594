import SerializerSelector from '@fastify/fast-json-stringify-compiler'
import fp from 'fastify-plugin'
import { once } from '../once.js'
import { components } from '../schemas/index.js'

/**
 * Answers as text, by the schemas of their routes. A serializer is made for its first answer: most answers of most routes
 * are never given, and all together are a fifth of a start.
 */
export const serializationPlugin = fp(async (app) => {
  const compiler = SerializerSelector()(Object.fromEntries(components.map((component) => [component.$id, component])))
  app.setSerializerCompiler((route) => {
    const serialize = once(() => compiler(route as SerializerSelector.RouteDefinition))
    return (answer) => serialize()(answer)
  })
}, { name: 'serialization' })
