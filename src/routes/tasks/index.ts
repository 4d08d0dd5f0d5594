import type { FastifyPluginAsync } from 'fastify'
import { changesOf, type OwnedChanges } from '../../repositories/owned-changes.js'
import { tasksOf, type OwnedTasks } from '../../repositories/owned-tasks.js'
import { OwnerPath, OwnerTaskPath, TaskPath } from '../../schemas/tasks.js'
import { collectionRoutes } from './collection.js'
import { itemRoutes } from './item.js'
import type { Mount } from './mount.js'
import { pathOwner } from './path-owner.js'
import { syncRoutes } from './sync.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The tasks of the token's subject: the only ones that a handler can reach. */
    tasks: OwnedTasks
    /** The journal of the same tasks, for those routes that read it. */
    changes: OwnedChanges
  }
}

/** The operations on tasks. They reach only `request.tasks`, the tasks of the token's user. */
const taskRoutes: FastifyPluginAsync<Mount> = async (app, mount) => {
  await app.register(async (scope) => {
    scope.addHook('onRequest', (request, _reply, done) => {
      request.changes = changesOf(app.db, request.user.sub)
      done()
    })
    await syncRoutes(scope, mount)
  })
  await collectionRoutes(app, mount)
  await itemRoutes(app, mount)
}

/**
 * Stories 2 to 4. Each request is authenticated and bound to its user's tasks here, once; the routes are mounted twice.
 */
export const tasksMounts: FastifyPluginAsync = async (app) => {
  app.decorateRequest('tasks')
  app.decorateRequest('changes')

  for (const hook of [app.authenticate, ...app.limits.user]) app.addHook('onRequest', hook)
  app.addHook('onRequest', (request, reply, done) => {
    request.tasks = tasksOf(app.db, request.user.sub)
    // A URL has a different answer for each user, and a browser keeps them all in one cache.
    reply.headers({ 'cache-control': 'private, no-cache', vary: 'Authorization, Origin' })
    done()
  })

  // A write is committed before its answer is made.
  app.addHook('onSend', ({ method, user }, reply, payload, done) => {
    if (method !== 'GET' && method !== 'HEAD' && reply.statusCode < 300) app.live.wrote(user.sub)
    done(null, payload)
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
