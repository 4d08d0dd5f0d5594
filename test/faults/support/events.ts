/** An event as it came. */
export interface Event { event: string, id: string | undefined, data: unknown }

/**
 * Reads a stream of events (HTML Standard, section 9.2), as far as the server writes one. Half an event at its end is none.
 * @throws whatever ends the stream but its end
 */
export async function * eventsOf (body: ReadableStream<Uint8Array>): AsyncGenerator<Event> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(text.slice(0, end).split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
      text = text.slice(end + 2)
      const event = fields.get('event')
      if (event !== undefined) yield { event, id: fields.get('id'), data: JSON.parse(fields.get('data')!) }
    }
  }
}
