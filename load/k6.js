/* global __ENV, __VU */
import { check, group, sleep } from 'k6'
import http from 'k6/http'

// The same work as `npm run load`, for k6: k6 run -e URL=http://127.0.0.1:8000 load/k6.js
// The server has to run with RATE_LIMIT=off. Every virtual user has an account, and at first some pages of tasks.

const URL = __ENV.URL || 'http://127.0.0.1:8000'
const PEOPLE = Number(__ENV.PEOPLE || 50)
const PASSWORD = 'correct horse battery staple'

/** Tasks of a page, and pages that everybody has at first. */
const LIMIT = 5
const PAGES = 4

export const options = {
  // So many accounts cost seconds of hashing.
  setupTimeout: '2m',
  teardownTimeout: '2m',
  stages: [
    { duration: '10s', target: PEOPLE },
    { duration: '30s', target: PEOPLE },
    { duration: '5s', target: 0 }
  ],
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{name:list}': ['p(95)<200'],
    'http_req_duration{name:get}': ['p(95)<200'],
    'http_req_duration{name:create}': ['p(95)<300']
  }
}

const json = { 'Content-Type': 'application/json' }

export function setup () {
  return Array.from({ length: PEOPLE }, (_, n) => {
    const account = { email: `k6-${Date.now()}-${n}@example.com`, password: PASSWORD }
    http.post(`${URL}/api/auth/signup`, JSON.stringify({ ...account, name: 'Load test' }), { headers: json })
    const answer = http.post(`${URL}/api/auth/login`, JSON.stringify(account), { headers: json })
    if (answer.status !== 200) throw new Error(`login answers ${answer.status}; does the server run with RATE_LIMIT=off?`)
    const token = answer.json('access_token')
    const headers = { Authorization: `Bearer ${token}`, ...json }
    for (let n = 1; n <= LIMIT * PAGES; n++) http.post(`${URL}/api/tasks`, JSON.stringify({ title: `Page ${n}` }), { headers })
    return token
  })
}

const isTask = (task) => typeof task.id === 'string' && typeof task.title === 'string' && typeof task.is_completed === 'boolean'

export default function (tokens) {
  const token = tokens[(__VU - 1) % tokens.length]
  const send = (name, method, path, body) => http.request(method, `${URL}/api/tasks${path}`, body ? JSON.stringify(body) : null, {
    headers: { Authorization: `Bearer ${token}`, ...(body ? json : {}) }, tags: { name }
  })

  group('look', () => {
    let page = send('list', 'GET', `?limit=${LIMIT}`)
    const total = page.json('total')
    check(page, { 'a page, with its total': ({ status }) => status === 200 && page.json('tasks').every(isTask) && total >= LIMIT * PAGES })
    // To the end: each page names the next one, in its body and in its Link header (RFC 8288).
    const seen = page.json('tasks')
    for (let cursor; (cursor = page.json('next_cursor'));) {
      const isLinked = /; rel="next"$/.test(page.headers.Link || '')
      page = send('cursor', 'GET', `?limit=${LIMIT}&cursor=${encodeURIComponent(cursor)}`)
      const isNext = check(page, { 'the next page, which was linked': ({ status }) => isLinked && status === 200 && page.json('tasks').every(isTask) })
      if (!isNext) return
      seen.push(...page.json('tasks'))
    }
    check(seen, { 'each task on one page': () => seen.length === total && new Set(seen.map(({ id }) => id)).size === total })
  })
  sleep(0.1)
  group('work', () => {
    const created = send('create', 'POST', '', { title: 'Call the plumber', description: 'The one from last time 🔧' })
    if (!check(created, { 'a new task': ({ status }) => status === 201 && isTask(created.json()) })) return
    const path = `/${created.json('id')}`
    const answers = [
      send('get', 'GET', path),
      send('update', 'PUT', path, { title: 'Call the plumber again' }),
      send('complete', 'PATCH', `${path}/complete`, { is_completed: true })
    ]
    for (const answer of answers) {
      check(answer, { 'the same task': ({ status }) => status === 200 && answer.json('id') === created.json('id') })
    }
    check(send('list', 'GET', '?limit=20'), { 'a page after it': ({ status }) => status === 200 })
    check(send('delete', 'DELETE', path), { 'it is gone': ({ status }) => status === 204 })
  })
  sleep(0.1)
}

export function teardown (tokens) {
  for (const token of tokens) {
    const headers = { Authorization: `Bearer ${token}` }
    for (const { id } of http.get(`${URL}/api/tasks?limit=100`, { headers }).json('tasks')) {
      http.del(`${URL}/api/tasks/${id}`, null, { headers })
    }
  }
}
