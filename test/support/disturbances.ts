import { setTimeout as sleep } from 'node:timers/promises'

/** Of this database: others on the same server are other tests'. */
const BACKENDS = `pg_stat_activity
  where application_name = 'todo-backend' and datname = current_database() and pid <> pg_backend_pid()`

/** In one transaction each: half of it would hide every row. */
const slow = `alter table todo.tasks enable row level security; alter table todo.tasks force row level security;
  create policy slow on todo.tasks using (pg_sleep(0.2) is not null)`
const quick = 'drop policy slow on todo.tasks; alter table todo.tasks no force row level security; alter table todo.tasks disable row level security'

/**
 * Another type for a text of the tasks. PostgreSQL changes no column that another is generated from, so that one goes and comes
 * again in the same transaction.
 */
export const retyped = (column: 'title' | 'description', type: string): string => `do $$
  declare said text := (select generation_expression from information_schema.columns where table_schema = 'todo' and column_name = 'search');
  begin
    alter table todo.tasks drop column search;
    alter table todo.tasks alter column ${column} type ${type};
    execute format('alter table todo.tasks add column search text generated always as (%s) stored', said);
  end $$`

/** What happens to a database that lives; `n` is another one each time. */
export const disturbances: Array<(sql: (text: string) => Promise<unknown>, n: number) => Promise<unknown>> = [
  async (sql, n) => sql(retyped('title', `varchar(${300 + n})`)),
  async (sql, n) => sql(`alter table todo.users alter column name type varchar(${200 + n})`),
  async (sql, n) => sql(retyped('description', `varchar(${3000 + n})`)),
  async (sql) => sql('alter table todo.tasks add column extra integer not null default 0'),
  async (sql) => sql('create index concurrently extra on todo.tasks (title)'),
  async (sql) => sql('drop index concurrently todo.extra'),
  async (sql) => sql('alter table todo.tasks drop column extra'),
  async (sql, n) => sql(`alter table todo.tasks alter column owner_id set statistics ${100 + n}`),
  async (sql) => sql('analyze'),
  async (sql) => { for (let times = 0; times < 20; times++) await sql(`select pg_cancel_backend(pid) from ${BACKENDS}`) },
  async (sql) => sql(`select pg_terminate_backend(pid) from ${BACKENDS}`),
  // Statements that run into their time limit when they have sent some rows.
  async (sql) => {
    await sql(slow)
    await sleep(2000)
    await sql(quick)
  }
]
