import fp from 'fastify-plugin'
import type { Database } from '../db/database.js'

declare module 'fastify' {
  interface FastifyInstance {
    db: Database
  }
}

/** Gives the application its database, and closes it when the last request has been answered. */
export const databasePlugin = fp<{ database: Database }>(async (app, { database }) => {
  app.decorate('db', database)
  app.addHook('onClose', async () => { await database.close() })
}, { name: 'database' })
