import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Credentials } from '../../accounts/credentials.js'
import { apiAnswers, tokenErrors } from '../../errors/answers.js'
import type { OwnedTasks } from '../../repositories/owned-tasks.js'
import type { Page } from '../../repositories/task-values.js'
import { Export } from '../../schemas/accounts.js'
import type { User } from '../../schemas/auth.js'
import { NoQuery, ref } from '../../schemas/common.js'

/** Tasks that are read at a time. Of more, V8 finds so many alive whenever it looks that it takes twice the memory, and again. */
const PAGE = 100

interface ExportOptions { credentials: Credentials, tasksOf: (owner: string) => OwnedTasks }

/** The account with all its tasks, page after page: memory does not grow with their number. */
async function * textOf (user: User, tasks: OwnedTasks): AsyncGenerator<string> {
  yield `{"user":${JSON.stringify(user)},"tasks":[`
  let page: Pick<Page, 'tasks'> | null = await tasks.list(PAGE, 0, { sort: 'created_at' })
  let comma = ''
  while (page && page.tasks.length > 0) {
    yield comma + page.tasks.map((task) => JSON.stringify(task)).join()
    comma = ','
    const { created_at: key, id } = page.tasks.at(-1)!
    page = page.tasks.length < PAGE ? null : await tasks.listAfter(PAGE, { key, id }, { sort: 'created_at' })
  }
  yield ']}'
}

/** The export of an account. */
export const exportRoutes: FastifyPluginAsyncTypebox<ExportOptions> = async (app, { credentials, tasksOf }) => {
  app.get('/me/export', {
    onRequest: [app.authenticate, ...app.limits.user],
    schema: {
      operationId: 'exportMe',
      tags: ['Accounts'],
      security: [{ bearer: [] }],
      summary: 'Export my account',
      description: 'The account with all its tasks, oldest first, as a file. It is read page by page: changes made meanwhile may or may not be included.',
      querystring: NoQuery,
      response: {
        200: ref(Export, {
          description: 'The account and its tasks',
          headers: { 'Content-Disposition': { type: 'string', description: '`attachment`, with a file name' } }
        }),
        ...apiAnswers(tokenErrors)
      }
    }
  }, async (request, reply) => {
    const user = await credentials.find(request.user)
    // This generator is the body. At most one page waits; HEAD has no body to read.
    const text = request.method === 'HEAD' ? [] : textOf(user, tasksOf(user.id))
    const body = Readable.from(text, { highWaterMark: 1 }) as unknown as Export
    return reply.type('application/json; charset=utf-8').header('content-disposition', 'attachment; filename="todo-export.json"')
      .send(body)
  })
}
