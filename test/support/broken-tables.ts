/**
 * Makes every statement about users or tasks fail in a way that the server cannot know, as a bug would: a view that raises an
 * error stands in place of each table.
 * @param sql runs a statement
 * @returns puts the tables back
 */
export async function breakTables (sql: (text: string) => Promise<unknown>): Promise<() => Promise<void>> {
  const body = "language plpgsql stable as $$ begin raise exception 'a bug'; end $$"
  await sql(`create function bug() returns boolean ${body}`)
  await sql(`create function bug_of_writes() returns trigger ${body}`)
  for (const table of ['tasks', 'users']) {
    await sql(`alter table ${table} rename to whole_${table}`)
    await sql(`create view ${table} as select * from whole_${table} where bug()`)
    await sql(`create trigger bug instead of insert or update or delete on ${table} for each row execute function bug_of_writes()`)
  }
  return async () => {
    for (const table of ['tasks', 'users']) {
      await sql(`drop view ${table}`)
      await sql(`alter table whole_${table} rename to ${table}`)
    }
    await sql('drop function bug, bug_of_writes')
  }
}
