import { Type } from '@sinclair/typebox'
import { DATA, oneOf } from './setting-kinds.js'

/** The settings of the database, as in `Settings`. */
export const databaseSettings = {
  DATABASE_URL: Type.String({
    default: `pglite:${DATA}/pglite`,
    format: 'database',
    description: 'postgres://user:password@host:5432/database, or pglite: and a folder, or pglite:memory',
    'x-note': '[which forms](docs/postgresql.md#connection-strings) of the first'
  }),
  DATABASE_POOLER: oneOf(['none', 'transaction'], 'none',
    '`transaction`: a pooler like PgBouncer is in between, in transaction mode; [what it needs](docs/postgresql.md#behind-a-pooler)'),
  DATABASE_PREPARE: oneOf(['on', 'off'], 'on', '`off`: statements are not prepared, for poolers that do not carry them, as PgBouncer before 1.21'),
  DATABASE_MIGRATION_URL: Type.Optional(Type.String({
    format: 'postgres',
    description: 'postgres://user:password@host:5432/database, the database of DATABASE_URL without the pooler',
    'x-note': 'migrations go there, also as another role; without it, through `DATABASE_URL`'
  })),
  DATABASE_POOL_SIZE: Type.Integer({ default: 4, minimum: 1, maximum: 100, description: 'connections to PostgreSQL, 1 to 100' }),
  DATABASE_CONNECT_TIMEOUT: Type.Integer({
    default: 2000,
    minimum: 100,
    maximum: 60_000,
    description: 'milliseconds for a new connection to PostgreSQL, 100 to 60000',
    'x-note': 'what takes longer is 503'
  }),
  DATABASE_STATEMENT_TIMEOUT: Type.Integer({
    default: 2000,
    minimum: 100,
    maximum: 60_000,
    description: 'milliseconds for a statement in PostgreSQL, 100 to 60000',
    'x-note': 'what takes longer is 503'
  }),
  DATABASE_MIGRATION_TIMEOUT: Type.Integer({
    default: 60_000, minimum: 100, maximum: 3_600_000, description: 'milliseconds that db:migrate waits for another process, 100 to 3600000'
  }),
  DATABASE_QUEUE: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 100_000,
    description: 'statements on their way to PostgreSQL at most, 1 to 100000',
    'x-note': 'more are 503 at once'
  })
}
