import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** A span as a collector gets it. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parent: string
  name: string
  kind: number
  attributes: Record<string, string | number>
  /** 2 is an error. */
  status: number
  service: string
}

type Field = bigint | Buffer

/** The fields of a message by their numbers. (Protocol Buffers documentation, "Encoding") */
function fieldsOf (message: Buffer): Map<number, Field[]> {
  const fields = new Map<number, Field[]>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const bytes = (length: number) => {
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const key = Number(varint())
    const type = key & 7
    const value = type === 0 ? varint() : bytes(type === 1 ? 8 : type === 5 ? 4 : Number(varint()))
    fields.set(key >> 3, [...fields.get(key >> 3) ?? [], value])
  }
  return fields
}

const messages = (fields: Map<number, Field[]>, number: number) =>
  (fields.get(number) ?? []).map((field) => fieldsOf(field as Buffer))
const bytesOf = (fields: Map<number, Field[]>, number: number) => (fields.get(number)?.[0] ?? Buffer.alloc(0)) as Buffer

/** KeyValue: a key, and a value that is a text or an integer here. (opentelemetry-proto, common.proto) */
const attributesOf = (fields: Map<number, Field[]>, number: number) => Object.fromEntries(messages(fields, number).map((pair) => {
  const value = fieldsOf(bytesOf(pair, 2))
  return [bytesOf(pair, 1).toString(), value.has(3) ? Number(value.get(3)![0]) : bytesOf(value, 1).toString()]
}))

/** The spans of an ExportTraceServiceRequest. (opentelemetry-proto, trace.proto) */
const spansOf = (body: Buffer): ReceivedSpan[] => messages(fieldsOf(body), 1).flatMap((resource) => {
  const service = String(attributesOf(fieldsOf(bytesOf(resource, 1)), 1)['service.name'])
  return messages(resource, 2).flatMap((scope) => messages(scope, 2)).map((span) => ({
    traceId: bytesOf(span, 1).toString('hex'),
    spanId: bytesOf(span, 2).toString('hex'),
    parent: bytesOf(span, 4).toString('hex'),
    name: bytesOf(span, 5).toString(),
    kind: Number(span.get(6)![0]),
    attributes: attributesOf(span, 9),
    status: Number(messages(span, 15)[0]?.get(3)?.[0] ?? 0),
    service
  }))
})

/** A collector: it takes OTLP in Protocol Buffers over HTTP, and keeps the spans. What is for another path is refused. */
export async function startCollector (t: Test) {
  const spans: ReceivedSpan[] = []
  let refused = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => { chunks.push(chunk) }).on('end', () => {
      const isOurs = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf'
      if (isOurs) spans.push(...spansOf(Buffer.concat(chunks)))
      else refused++
      response.writeHead(isOurs ? 200 : 404).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  teardown(t, () => { server.close().closeAllConnections() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, refused: () => refused }
}
