import t from 'tap'
import { startApp } from '../helper.js'
import { Copy, tasksOf } from '../support/copy.js'

const { signUp, sql } = await startApp(t)

const same = (copy: Copy, tasks: unknown[]) => {
  const byId = (all: any[]) => Object.fromEntries(all.map((task) => [task.id, task]))
  return t.strictSame(byId([...copy.tasks.values()]), byId(tasks))
}

for (const limit of [1, 2, 7, 500]) {
  t.test(`with pages of ${limit}, whoever applies all of them has exactly the tasks, whatever is written between two pages`, async () => {
    const ada = await signUp()
    const ids: string[] = []
    for (let n = 0; n < 12; n++) ids.push((await ada.add(`task ${n}`)).id)
    const copy = new Copy(ada)
    for (let n = 0, more = true; more; n++) {
      more = await copy.page(limit)
      if (n < 8) {
        await ada.call('PUT', `/api/tasks/${ids[n]}`, { body: { title: `changed ${n}` } })
        await ada.call('PATCH', `/api/tasks/${ids[11 - n]}/complete`)
        if (n % 3 === 0) await ada.call('DELETE', `/api/tasks/${ids[n]}`)
        ids.push((await ada.add(`late ${n}`)).id)
        more = true
      }
    }
    await copy.all(limit)
    same(copy, await tasksOf(ada))
  })
}

t.test('a task that changes between every two pages is told again, and in the end as it is', async () => {
  const ada = await signUp()
  const { id } = await ada.add('0')
  for (let n = 0; n < 5; n++) await ada.add(`other ${n}`)
  const copy = new Copy(ada)
  for (let n = 1; n < 20; n++) {
    await copy.page(1)
    await ada.call('PUT', `/api/tasks/${id}`, { body: { title: String(n) } })
  }
  await copy.all(1)
  same(copy, await tasksOf(ada))
})

t.test('within a page a task appears once, and a deleted one as deleted alone', async (t) => {
  const ada = await signUp()
  const copy = new Copy(ada)
  await copy.all()
  const { id } = await ada.add('first')
  for (const title of ['second', 'third']) await ada.call('PUT', `/api/tasks/${id}`, { body: { title } })
  const gone = await ada.add('gone')
  await ada.call('PATCH', `/api/tasks/${gone.id}/complete`)
  await ada.call('DELETE', `/api/tasks/${gone.id}`)
  const { body } = await ada.call('GET', `/api/tasks/changes?since=${copy.next!}`)
  t.strictSame(body.changes.map(({ task, deleted }: any) => task?.title ?? deleted.id), ['third', gone.id])
  t.equal(body.has_more, false)
})

t.test('a page of changes that others have replaced may be empty, and says that there is more', async (t) => {
  const ada = await signUp()
  const copy = new Copy(ada)
  await copy.all()
  const { id } = await ada.add('first')
  await ada.call('PUT', `/api/tasks/${id}`, { body: { title: 'second' } })
  const { body } = await ada.call('GET', `/api/tasks/changes?limit=1&since=${copy.next!}`)
  t.match(body, { changes: [], has_more: true })
})

t.test('whoever is up to date gets nothing, and the same place again', async (t) => {
  const ada = await signUp()
  await ada.add('one')
  const copy = new Copy(ada)
  await copy.all()
  const before = copy.next
  t.equal(await copy.page(10), false)
  t.equal(copy.next, before)
})

t.test('both mounts have the same places', async () => {
  const ada = await signUp()
  await ada.add('one')
  const copy = new Copy(ada, `/api/${ada.id.toUpperCase()}/tasks/changes`)
  await copy.page(1)
  await ada.add('two')
  const other = new Copy(ada)
  other.next = copy.next
  await other.all()
  for (const [id, task] of copy.tasks) other.tasks.set(id, task)
  same(other, await tasksOf(ada))
})

t.test('a first walk over tasks of version 1.0, of which the journal knows nothing, misses none', async () => {
  const ada = await signUp()
  for (let n = 0; n < 5; n++) await ada.add(`old ${n}`)
  await sql("update todo.tasks set revision = 0, created_at = now() - interval '3 years', updated_at = created_at where owner_id = $1", [ada.id])
  await sql('delete from todo.task_changes where owner_id = $1 and revision < 5', [ada.id])
  const copy = new Copy(ada)
  await copy.page(1)
  await ada.add('new')
  await copy.all(1)
  same(copy, await tasksOf(ada))
})

t.test('a position that the journal has forgotten is 410, and to begin anew works', async (t) => {
  const ada = await signUp()
  const copy = new Copy(ada)
  await copy.all()
  for (let n = 0; n < 3; n++) await ada.add(`task ${n}`)
  await sql('delete from todo.task_changes where owner_id = $1 and revision < 2', [ada.id])
  const { status, body } = await ada.call('GET', `/api/tasks/changes?since=${copy.next!}`)
  t.strictSame([status, body], [410, { detail: 'Sync token expired', status_code: 410 }])
  copy.next = undefined
  await copy.all()
  same(copy, await tasksOf(ada))
})

t.test('a position of a state that a restored backup has undone is 410, also when there is the same number again', async (t) => {
  const ada = await signUp()
  await ada.add('kept')
  const lost = await ada.add('lost')
  const copy = new Copy(ada)
  await copy.all()
  // As a backup from before the second task, in which another one has come since.
  await sql('delete from todo.tasks where id = $1', [lost.id])
  await sql('delete from todo.task_changes where owner_id = $1 and revision = 2', [ada.id])
  await sql('update todo.task_lists set revision = 1, open = 1 where owner_id = $1', [ada.id])
  await ada.add('another')
  t.equal((await ada.call('GET', `/api/tasks/changes?since=${copy.next!}`)).status, 410)
  const anew = new Copy(ada)
  await anew.all()
  same(anew, await tasksOf(ada))
})

t.test('a position is refused when it is none, or of another owner', async (t) => {
  const [ada, bob] = [await signUp('Ada'), await signUp('Bob')]
  const { body } = await bob.call('GET', '/api/tasks/changes')
  const good = (await ada.call('GET', '/api/tasks/changes')).body.next as string
  const bad = { 'another owner\'s': body.next, text: 'x', empty: '', cut: good.slice(0, -1), 'with padding': `${good}=`, longer: `${good}AAAA`, long: 'A'.repeat(600) }
  for (const [name, since] of Object.entries(bad)) {
    const { status, body } = await ada.call('GET', `/api/tasks/changes?since=${encodeURIComponent(since as string)}`)
    t.match([status, body.detail[0]], [422, { loc: ['query', 'since'], type: 'value_error.since' }], name)
  }
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'limit=1&limit=2', 'offset=1']) {
    t.equal((await ada.call('GET', `/api/tasks/changes?${query}`)).status, 422, query)
  }
})

t.test('a token whose account is gone is 401, whatever the position', async (t) => {
  const ada = await signUp()
  await ada.add('one')
  const { body } = await ada.call('GET', '/api/tasks/changes')
  await sql('delete from todo.users where id = $1', [ada.id])
  for (const query of ['', `?since=${body.next as string}`]) t.equal((await ada.call('GET', `/api/tasks/changes${query}`)).status, 401, query)
})

t.test('the words are no ids of tasks: any other method is 405 and says what works', async (t) => {
  const ada = await signUp()
  for (const base of ['/api/tasks', `/api/${ada.id}/tasks`]) {
    for (const word of ['changes', 'events']) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const { status, headers } = await ada.call(method, `${base}/${word}`, { body: { title: 'x' } })
        t.strictSame([status, headers.allow], [405, 'GET, HEAD'], `${method} ${base}/${word}`)
      }
      t.equal((await ada.call('PATCH', `${base}/${word}/complete`)).status, 404)
    }
  }
})

t.test('changes may be kept by the browser that asked, and by no one else, and have no tag', async (t) => {
  const ada = await signUp()
  const { headers } = await ada.call('GET', '/api/tasks/changes')
  t.equal(headers['cache-control'], 'private, no-cache')
  t.notOk(headers.etag)
  t.equal((await ada.call('HEAD', '/api/tasks/changes')).status, 200)
})
