import type { Session } from 'todo-backend-client'
import { byTime } from './dates.js'
import { byId, complain, fromTemplate, onAction, say, within } from './page.js'
import { loggedIn, todo } from './session.js'
import { textOf } from './texts.js'

const list = byId('sessions', HTMLUListElement)
const heading = byId('sessions-title', HTMLElement)

/** Shows where the person is logged in. */
export async function listSessions (): Promise<void> {
  const result = await loggedIn(async () => todo.sessions.list())
  if (!result.ok) return complain(textOf(result))
  list.replaceChildren(...result.body.sessions.map(row))
}

export const clearSessions = () => { list.replaceChildren() }

/** One of them. The one that asks ends with "Log out". */
function row ({ id, user_agent: agent, last_used_at: used, is_current: isCurrent }: Session): HTMLLIElement {
  const item = fromTemplate('session', HTMLLIElement)
  const end = within(item, '.end', HTMLButtonElement)
  const device = deviceOf(agent ?? '')
  within(item, '.agent', HTMLElement).textContent = isCurrent ? `${device}, this one` : device
  within(item, '.used', HTMLElement).textContent = `Last used ${byTime(used)}`
  end.ariaLabel = `Log out there: ${device}, last used ${byTime(used)}`
  end.hidden = isCurrent
  onAction(end, async () => {
    const result = await loggedIn(async () => todo.sessions.end(id))
    if (!result.ok && result.status !== 404) return complain(textOf(result))
    item.remove()
    heading.focus()
    say(`Logged out: ${device}`)
  })
  return item
}

onAction(byId('end-others', HTMLButtonElement), async () => {
  const result = await loggedIn(async () => todo.sessions.endAll({ exceptCurrent: true }))
  if (!result.ok) return complain(textOf(result))
  await listSessions()
  say('Logged out everywhere else')
})

/** What a person calls the program that has sent this `User-Agent`. The order counts: most say that they are all of them. */
function deviceOf (agent: string): string {
  const named = (names: Record<string, RegExp>) => Object.entries(names).find(([, pattern]) => pattern.test(agent))?.[0]
  const browser = named({ Edge: /Edg/, Opera: /OPR/, Firefox: /Firefox/, Chrome: /Chrom/, Safari: /Safari/ })
  const system = named({ Android: /Android/, iPhone: /iPhone/, iPad: /iPad/, Windows: /Windows/, Mac: /Mac OS/, Linux: /Linux/ })
  return browser && system ? `${browser} on ${system}` : agent.slice(0, 60) || 'Unknown program'
}
