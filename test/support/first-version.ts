import type { startApp, Person } from '../helper.js'

/**
 * Somebody with a token of version 1.0. With one of a session the server asks for endings now and then, which a test that counts
 * or disturbs statements does not want.
 * @param app whose tokens they have
 */
export async function memberOf ({ app, call, signUp }: Awaited<ReturnType<typeof startApp>>, name?: string): Promise<Person> {
  const person = await signUp(name)
  const token = app.jwt.present.sign({ sub: person.id, email: person.email, exp: Math.floor(Date.now() / 1000) + 3600 })
  return {
    ...person,
    token,
    call: async (method, url, options) => call(method, url, { token, ...options }),
    add: async (title, description) => (await call('POST', '/api/tasks', { token, body: { title, description } })).body
  }
}
