/** Fastify itself and its plugins. */
const FASTIFY = 'node_modules/(@fastify/|fastify(-plugin)?/)'

/** The import rules of the house: schema → route → repository → table, and never back. */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    rule('no-cycle', 'Two modules that need each other are one module, or three.', {}, { circular: true }),
    rule('schemas-are-the-contract', 'They import TypeBox and each other.',
      { path: '^src/schemas/' }, { pathNot: '^src/schemas/|node_modules/@sinclair/typebox/' }),
    rule('tables-know-limits', 'Tables import Drizzle and the limits in the schemas.',
      { path: '^src/db/tables[.]ts$' }, { pathNot: '^src/schemas/|node_modules/drizzle-orm/' }),
    rule('repositories-know-no-http', 'They import the database and the types of the schemas.',
      { path: '^src/repositories/' }, { path: `^src/(?!repositories/|db/|schemas/)|${FASTIFY}` }),
    rule('schemas-for-repositories-are-types', 'Repositories take only types from the schemas.',
      { path: '^src/repositories/' }, { path: '^src/schemas/', dependencyTypesNot: ['type-only'] }),
    rule('routes-are-http-only', 'A route knows the contract and the errors.',
      { path: '^src/routes/', pathNot: '^src/routes/(auth|tasks)/index[.]ts$|^src/routes/auth/export[.]ts$' }, { path: '^src/(repositories|db)/' }),
    rule('routes-know-no-database', 'A route that binds a repository still knows nothing below it.',
      { path: '^src/routes/' }, { path: '^src/db/' }),
    rule('database-knows-nobody', 'The database imports the limits and the settings; whoever uses it comes to it.',
      { path: '^src/db/' }, { path: `^src/(?!db/|schemas/|config/|root[.]ts$)|${FASTIFY}` }),
    rule('accounts-know-no-http', 'What logging in means is the same without a server: repositories, schemas and errors are enough.',
      { path: '^src/accounts/' }, { path: `^src/(?!accounts/|repositories/|schemas/|errors/)|${FASTIFY}` }),
    rule('sync-knows-no-http', 'Who is told what is the same without a server: repositories and schemas are enough.',
      { path: '^src/sync/' }, { path: `^src/(?!sync/|repositories/|schemas/)|${FASTIFY}` }),
    rule('http-is-no-plugin', 'What is HTTP serves plugins and routes, and needs none.',
      { path: '^src/http/' }, { path: '^src/(?!http/|errors/|log/|schemas/)|node_modules/fastify-plugin/' }),
    rule('metrics-know-no-http', 'What is counted is the same without a server; of the database they know the interface.',
      { path: '^src/metrics/' }, { path: `^src/(?!metrics/|db/(database|errors)[.]ts$)|${FASTIFY}` }),
    rule('traces-know-no-http', 'What is recorded is the same without a server; of the database they know the interface.',
      { path: '^src/traces/' }, { path: `^src/(?!traces/|metrics/measured[.]ts$|db/database[.]ts$)|${FASTIFY}` }),
    rule('log-knows-nobody', 'Everybody writes to the log.', { path: '^src/log/' }, { path: '^src/(?!log/)' }),
    rule('errors-know-no-http', 'They are thrown everywhere; those of the database become answers there.',
      { path: '^src/errors/' }, { path: `^src/(?!errors/|schemas/|db/errors[.]ts$)|${FASTIFY}` }),
    rule('docs-are-texts', 'The documents are made of the errors and the schemas.',
      { path: '^src/docs/' }, { path: `^src/(?!docs/|errors/|schemas/)|${FASTIFY}` }),
    rule('plugins-know-no-tables', 'A plugin reaches data through nobody; of the database it knows the interface.',
      { path: '^src/plugins/' }, { path: '^src/(?!plugins/|accounts/|sync/|docs/|errors/|http/|log/|metrics/|traces/|schemas/|db/database[.]ts$|once[.]ts$)' }),
    rule('settings-are-handed-out', 'Only the programs, app.ts and the database see the settings; whoever else needs one gets it.',
      { path: '^src/', pathNot: '^src/(config|bin|db|operations)/|^src/app[.]ts$' }, { path: '^src/config/' }),
    rule('nobody-imports-programs', 'Programs, what those of operators do, and the application that they start, are at the top.',
      { path: '^src/', pathNot: '^src/(bin|operations)/' }, { path: '^src/(bin|operations)/|^src/app[.]ts$' }),
    rule('operations-are-no-server', 'What operators do needs no server to run.', { path: '^src/operations/' }, { path: `^src/(bin/|app[.]ts$)|${FASTIFY}` }),
    rule('drizzle-stays-below', 'Queries are built in repositories, tables and the database.',
      { path: '^src/', pathNot: '^src/(db|repositories)/' }, { path: 'node_modules/drizzle-orm/' }),
    rule('drivers-stay-below', 'Only the database knows which one it is.',
      { path: '^src/', pathNot: '^src/db/' }, { path: 'node_modules/(postgres|@electric-sql)/' }),
    rule('no-undeclared-packages', 'Every import is a dependency in package.json.',
      { path: '^src/' }, { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] })
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '[.]d[.]ts$' }
  }
}
