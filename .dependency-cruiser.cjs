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
      { path: '^src/repositories/' }, { path: '^src/(routes|plugins)/|^src/(app|server|errors)[.]ts$|node_modules/(@?fastify|fastify-plugin)' }),
    rule('schemas-for-repositories-are-types', 'Repositories take only types from the schemas.',
      { path: '^src/repositories/' }, { path: '^src/schemas/', dependencyTypesNot: ['type-only'] }),
    rule('routes-are-http-only', 'A route knows the contract and the errors.',
      { path: '^src/routes/', pathNot: '^src/routes/(auth|tasks/index)[.]ts$' }, { path: '^src/(repositories|db)/' }),
    rule('routes-know-no-database', 'A route that binds a repository still knows nothing below it.',
      { path: '^src/routes/' }, { path: '^src/db/' }),
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
