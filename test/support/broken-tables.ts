/**
 * Makes every statement about users, sessions, lists or tasks fail in a way that the server cannot know, as a bug would: a view
 * that raises an error stands in place of each table.
 * @param sql runs a statement
 * @returns puts the tables back
 */
export async function breakTables (sql: (text: string) => Promise<unknown>): Promise<() => Promise<void>> {
  const body = "language plpgsql stable as $$ begin raise exception 'a bug'; end $$"
  await sql(`create function todo.bug() returns boolean ${body}`)
  await sql(`create function todo.bug_of_writes() returns trigger ${body}`)
  for (const table of ['tasks', 'task_lists', 'users', 'sessions']) {
    await sql(`alter table todo.${table} rename to whole_${table}`)
    await sql(`create view todo.${table} as select * from todo.whole_${table} where todo.bug()`)
    await sql(`create trigger bug instead of insert or update or delete on todo.${table} for each row execute function todo.bug_of_writes()`)
  }
  return async () => {
    for (const table of ['tasks', 'task_lists', 'users', 'sessions']) {
      await sql(`drop view todo.${table}`)
      await sql(`alter table todo.whole_${table} rename to ${table}`)
    }
    await sql('drop function todo.bug, todo.bug_of_writes')
  }
}
