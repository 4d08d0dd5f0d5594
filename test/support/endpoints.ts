import { accountEndpoints } from './account-endpoints.js'

/** An endpoint of the contract, written by hand: what the code is compared with. */
export interface Endpoint {
  method: string
  /** As the OpenAPI document writes it. */
  path: string
  isProtected: boolean
  /** The component of its body. */
  body?: string
  /** The media types of its body, where it takes more than JSON. */
  types?: string[]
  /** The status of its success, and the component of that answer. */
  success: number
  answer?: string
  /** Every other status. */
  errors: number[]
  /** The parameters of its query, where it is not a list. */
  query?: string[]
  /** The headers of the request that it looks at, beside those of every one. */
  headers?: string[]
  /** The headers of its success, beside those that follow from what it returns. */
  successHeaders?: string[]
}

const api = [429, 500, 503]
const bodied = [400, 413, 415]

const service = (path: string, answer: string, errors: number[] = []): Endpoint =>
  ({ method: 'GET', path, isProtected: false, success: 200, answer, errors })

/** The operations on tasks. @param owner what the mount can answer on top */
function taskEndpoints (collection: string, owner: number[]): Endpoint[] {
  const item = `${collection}/{task_id}`
  const all = [401, 422, ...api]
  const one = [...all, 403, 404]
  const write = [...one, 412]
  return [
    { method: 'GET', path: collection, success: 200, answer: 'TaskPage', errors: [304, ...all, ...owner], headers: ['If-None-Match'] },
    {
      method: 'POST',
      path: collection,
      body: 'TaskCreate',
      success: 201,
      answer: 'Task',
      errors: [...all, ...bodied, ...owner],
      headers: ['Idempotency-Key']
    },
    { method: 'GET', path: `${collection}/changes`, success: 200, answer: 'ChangesPage', errors: [410, ...all, ...owner], query: ['since', 'limit'] },
    {
      method: 'GET',
      path: `${collection}/events`,
      success: 200,
      answer: 'EventStreamText',
      errors: [...all, ...owner],
      query: ['since'],
      headers: ['Last-Event-ID']
    },
    { method: 'GET', path: item, success: 200, answer: 'Task', errors: [304, ...one], headers: ['If-None-Match'] },
    { method: 'PUT', path: item, body: 'TaskUpdate', success: 200, answer: 'Task', errors: [...write, ...bodied], headers: ['If-Match'] },
    {
      method: 'PATCH',
      path: item,
      body: 'TaskPatch',
      types: ['application/json', 'application/merge-patch+json'],
      success: 200,
      answer: 'Task',
      errors: [...write, ...bodied],
      headers: ['If-Match']
    },
    {
      method: 'PATCH',
      path: `${item}/complete`,
      body: 'TaskCompletion',
      success: 200,
      answer: 'Task',
      errors: [...write, ...bodied],
      headers: ['If-Match']
    },
    { method: 'DELETE', path: item, success: 204, errors: write, headers: ['If-Match'] }
  ].map((endpoint) => ({ ...endpoint, isProtected: true }))
}

export const endpoints: Endpoint[] = [
  ...accountEndpoints,
  ...taskEndpoints('/api/tasks', []),
  ...taskEndpoints('/api/{user_id}/tasks', [403]),
  service('/docs', 'HtmlPage'),
  service('/redoc', 'HtmlPage'),
  service('/openapi.json', 'OpenApiDocument'),
  service('/health', 'Health'),
  service('/ready', 'Readiness', [503]),
  service('/', 'ServiceInfo')
]

/** Whether its example holds a token that no server has made: the answer is a refusal that asks no database. */
export const takesToken = ({ path }: Endpoint) => /\/(refresh|confirm)$/.test(path)

/** The path with values in it. */
export const pathOf = ({ path }: Pick<Endpoint, 'path'>, userId: string, taskId: string) =>
  path.replace('{user_id}', userId).replace('{task_id}', taskId).replace('{session_id}', taskId)

/** Every path, and the methods that work on it: HEAD wherever GET does. */
export const methodsByPath = new Map<string, Set<string>>()
for (const { path, method } of endpoints) {
  const methods = methodsByPath.get(path) ?? new Set()
  methodsByPath.set(path, methods.add(method))
  if (method === 'GET') methods.add('HEAD')
}
