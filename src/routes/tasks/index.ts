import type { FastifyPluginAsync } from 'fastify'
import { tasksOf, type OwnedTasks } from '../../repositories/owned-tasks.js'
import { OwnerPath, OwnerTaskPath, TaskPath } from '../../schemas/tasks.js'
import { pathOwner } from './path-owner.js'
import { taskRoutes } from './routes.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The tasks of the token's subject: the only ones that a handler can reach. */
    tasks: OwnedTasks
  }
}

/**
 * Stories 2 to 4. Whoever comes is authenticated and bound to their own tasks, once, here; the routes are then
 * mounted twice.
 */
export const tasksMounts: FastifyPluginAsync = async (app) => {
  app.decorateRequest('tasks')

  for (const hook of [app.authenticate, ...app.limits.user]) app.addHook('onRequest', hook)
  app.addHook('onRequest', (request, reply, done) => {
    request.tasks = tasksOf(app.db, request.user.sub)
    reply.header('cache-control', 'private, no-cache')
    done()
  })

  await app.register(taskRoutes, {
    prefix: '/tasks', tag: 'Tasks', suffix: '', collectionPath: undefined, itemPath: TaskPath, errors: []
  })

  await app.register(async (scope) => {
    scope.addHook('onRequest', pathOwner)
    await scope.register(taskRoutes, {
      prefix: '/:user_id/tasks',
      tag: 'Tasks by user',
      suffix: 'OfUser',
      collectionPath: OwnerPath,
      itemPath: OwnerTaskPath,
      errors: ['FOREIGN_USER']
    })
  })
}
