// Compiled, never run: what a front end can rely on and, below each @ts-expect-error, what must not compile.
import {
  createTodoClient, localStorageStore, memoryStore, unwrap, TodoApiError,
  type Batch, type Failure, type Issue, type Result, type Session, type SignupRequest, type Task, type TaskCreate, type TaskPage,
  type TaskPatch, type TaskUpdate, type Tokens, type TokenStore, type User
} from 'todo-backend-client'
import type * as serverAuth from '../../src/schemas/auth.js'
import type * as serverTasks from '../../src/schemas/tasks.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
/** Compiles for a true type. */
const holds = <Proof extends true>(proof?: Proof) => proof
/** Compiles for a value of exactly this type. */
const is = <Expected>() => <Actual>(value: Actual, ...proof: Same<Expected, Actual> extends true ? [] : [never]) => [value, proof]

const todo = createTodoClient({ baseUrl: 'https://todo.example.com', token: () => null })

// One source: what the server's schemas say is what the client says, and the other way round.
type Fits<Whole, Part extends Whole> = Part
interface Client {
  Task: Task
  TaskCreate: TaskCreate
  TaskUpdate: TaskUpdate
  TaskPatch: TaskPatch
  TaskPage: TaskPage
  User: User
  SignupRequest: SignupRequest
}
interface Server {
  Task: serverTasks.Task
  TaskCreate: serverTasks.TaskCreate
  TaskUpdate: serverTasks.TaskUpdate
  TaskPatch: serverTasks.TaskPatch
  TaskPage: serverTasks.TaskPage
  User: serverAuth.User
  SignupRequest: serverAuth.SignupRequest
}
export type OneSource = [Fits<Client, Server>, Fits<Server, Client>]

// Every field of tasks and accounts, by its name.
const task = await unwrap(todo.tasks.create({ title: 'Buy milk', description: 'Two litres' }))
is<Task>()(task)
for (const text of [task.id, task.title, task.user_id, task.created_at, task.updated_at]) is<string>()(text)
for (const text of [task.description, task.due_date]) is<string | null>()(text)
is<boolean>()(task.is_completed)
const user = await unwrap(todo.signUp({ email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada' }))
is<User>()(user)
for (const text of [user.id, user.email, user.name, user.created_at]) is<string>()(text)
const login = await unwrap(todo.logIn({ email: 'ada@example.com', password: 'correct horse battery staple' }))
is<User>()(login.user)
for (const text of [login.access_token, login.token_type]) is<string>()(text)
is<number>()(login.expires_in)
for await (const each of todo.tasks.walk({ is_completed: false, limit: 100 })) is<Task>()(each)
const page = await unwrap(todo.tasks.list({ limit: 10, offset: 0 }))
is<Task[]>()(page.tasks)
is<number | undefined>()(page.total)
if (page.next_cursor !== null) await todo.tasks.list({ cursor: page.next_cursor })
for await (const each of todo.tasks.walk({ q: 'milk', sort: 'due_date', due_after: '2026-12-01', due_before: '2026-12-31' })) is<Task>()(each)
is<Task>()(await unwrap(todo.tasks.patch(task.id, { due_date: null }, { ifMatch: '"1-1.1"' })))
is<undefined>()(await unwrap(todo.tasks.remove(task.id)))

// A wrong field.
// @ts-expect-error a task has no colour
await todo.tasks.create({ title: 'Buy milk', colour: 'red' })
// @ts-expect-error nobody but the server completes a task while it is made
await todo.tasks.create({ title: 'Buy milk', is_completed: true })
// @ts-expect-error a title is a text
await todo.tasks.update(task.id, { title: 1 })
// @ts-expect-error a title is never null
await todo.tasks.create({ title: null })
// @ts-expect-error a list has no page
await todo.tasks.list({ page: 2 })
// @ts-expect-error a list is not sorted by title
await todo.tasks.list({ sort: 'title' })
// @ts-expect-error a title is never taken away
await todo.tasks.patch(task.id, { title: null })
// @ts-expect-error a new task has no state that it could match
await todo.tasks.create({ title: 'Buy milk' }, { ifMatch: '"1-1.1"' })
// @ts-expect-error a walk finds its own way
todo.tasks.walk({ cursor: 'abc' })
// @ts-expect-error an answer has no field colour
is<boolean>()(task.colour)
// @ts-expect-error the raw client knows the bodies too
await todo.api.POST('/api/tasks', { body: { titel: 'Buy milk' } })
// @ts-expect-error and the paths
await todo.api.GET('/api/todos')

// A missing field.
// @ts-expect-error a task needs a title
await todo.tasks.create({ description: 'Two litres' })
// @ts-expect-error so does its new content
await todo.tasks.update(task.id, {})
// @ts-expect-error an account needs a password
await todo.signUp({ email: 'ada@example.com', name: 'Ada' })
// @ts-expect-error an account needs a name
await todo.signUp({ email: 'ada@example.com', password: 'correct horse battery staple' })
// @ts-expect-error a client needs to know where the API is
createTodoClient({})

// A status.
const signedUp = await todo.signUp({ email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada' })
// @ts-expect-error before the status is known, the body may be an error
is<User>()(signedUp.body)
if (signedUp.ok) is<User>()(signedUp.body)
if (signedUp.status === 422) is<Issue[]>()(signedUp.body.detail)
if (signedUp.status === 409) is<string>()(signedUp.body.detail)
// @ts-expect-error nobody is asked for a token to sign up
if (signedUp.status === 401) throw new TodoApiError(signedUp)

/** Every status of signUp. */
export function handled (result: Result<'signUp'>): string {
  switch (result.status) {
    case 201: return result.body.name
    case 409: return result.body.detail
    case 422: return result.body.detail.map(({ loc, msg }) => `${loc.join('.')} ${msg}`).join()
    case 400: case 413: case 415: return 'a bug of this page'
    case 429: case 500: case 503: return 'later'
    default: return result satisfies never
  }
}

/** All but 409. */
export function unhandled (result: Result<'signUp'>): string {
  switch (result.status) {
    case 201: return result.body.name
    case 422: return result.body.detail.map(({ msg }) => msg).join()
    case 400: case 413: case 415: return 'a bug of this page'
    case 429: case 500: case 503: return 'later'
    // @ts-expect-error 409 is not handled
    default: return result satisfies never
  }
}

/** Without a default, a function that has to return something is enough. */
// @ts-expect-error 404 is not handled, so the function may return nothing
export function unhandledByReturn (result: Extract<Result<'getTask'>, { status: 200 | 404 }>): string {
  switch (result.status) {
    case 200: return result.body.title
  }
}

// A failure of any operation has a detail: a text, or the broken rules.
holds<Same<Failure['body']['detail'], string | Issue[]>>()
holds<Same<Failure<'getMe'>['status'], Exclude<Result<'getMe'>['status'], 200>>>()

// A session: where its tokens are, and what is told when it is over.
const store: TokenStore = localStorageStore()
const member = createTodoClient({ baseUrl: '', store, onLoggedOut: (reason) => is<'ended' | 'elsewhere' | 'replaced'>()(reason) })
is<Tokens | null>()(await store.get())
is<undefined>()(await unwrap(member.logOut()))
createTodoClient({ baseUrl: '', store: memoryStore() })
createTodoClient({ baseUrl: '', store: { get: async () => null, set: async () => {} } })
// @ts-expect-error a store has to keep what it is given
createTodoClient({ baseUrl: '', store: { get: () => null } })
is<User>()(await unwrap(member.account.rename('Ada King')))
is<undefined>()(await unwrap(member.account.changePassword({ current_password: 'old', new_password: 'new' })))
const changed = await member.account.changeEmail({ email: 'ada@example.org', password: 'old' })
if (changed.status === 403 || changed.status === 409) is<string>()(changed.body.detail)
is<undefined>()(await unwrap(member.account.remove({ password: 'old' })))
await member.account.requestPasswordReset('ada@example.com')
await member.account.resetPassword({ token: 'abc', new_password: 'new' })
await member.account.requestVerification()
await member.account.confirmEmail('abc')
const download = await member.account.export()
if (download.ok) is<ReadableStream<Uint8Array>>()(download.body)
else is<string | Issue[]>()(download.body.detail)
is<Session[]>()((await unwrap(member.sessions.list())).sessions)
await member.sessions.end('019b92d4-2a10-7c55-8e21-6f0b8f6a0102')
await member.sessions.endAll({ exceptCurrent: true })
// @ts-expect-error a deletion needs the password
await member.account.remove()

// What changes: a state or a deletion, with where it leads.
await member.tasks.sync({
  since: undefined,
  signal: new AbortController().signal,
  onState: (state) => is<'live' | 'polling' | 'offline'>()(state),
  async apply (changes, { position, reset, hasMore }) {
    for (const change of changes) {
      if ('task' in change) is<Task>()(change.task)
      else is<string>()(change.deleted.id)
    }
    is<[string, boolean, boolean]>()([position, reset, hasMore] as [typeof position, typeof reset, typeof hasMore])
  }
})
for await (const batch of member.tasks.changes()) is<Batch>()(batch)
// @ts-expect-error somebody has to take them
await member.tasks.sync({ since: 'abc' })

// A token: a text, or a function, which may take its time.
createTodoClient({ baseUrl: '', token: 'a.b.c' })
createTodoClient({ baseUrl: '', token: async () => 'a.b.c', fetch })
// @ts-expect-error a token is never a number
createTodoClient({ baseUrl: '', token: () => 1 })
