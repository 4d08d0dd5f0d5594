import { byId } from './page.js'

/** Tells `back` when the server answers again, or may answer again. */
export const network = new EventTarget()

/** What one tab learns of the network is so for all of them. */
const tabs = new BroadcastChannel('todo-online')
const line = byId('online', HTMLElement)

let online = navigator.onLine
let waiting = 0

/** Whether the last request had an answer. */
export const isOnline = () => online

/** Whether the server does not have all that was done here. */
export const hasWaiting = () => waiting > 0

/** Shows how many changes the server does not have yet. */
export function showWaiting (count: number): void {
  waiting = count
  show()
}

/**
 * `fetch`, which notes whether the server is there. A 502, 503 or 504 says that a part of it is not.
 * @throws the error of `fetch`
 */
export async function watchedFetch (request: Request): Promise<Response> {
  try {
    const response = await fetch(request)
    tell(![502, 503, 504].includes(response.status))
    return response
  } catch (error) {
    // What the page itself has ended says nothing; what took too long does.
    if ((error as Error).name !== 'AbortError') tell(false)
    throw error
  }
}

function tell (isThere: boolean): void {
  if (isThere !== online) tabs.postMessage(isThere)
  note(isThere)
}

function note (isThere: boolean): void {
  const isBack = isThere && !online
  online = isThere
  show()
  if (isBack) network.dispatchEvent(new Event('back'))
}

function show (): void {
  const changes = waiting > 0 && `${waiting} ${waiting === 1 ? 'change' : 'changes'} waiting`
  const text = [!online && 'offline', changes].filter(Boolean).join(', ')
  // A screen reader would say the same once more.
  if (line.textContent !== text) line.textContent = text
}

tabs.addEventListener('message', ({ data }: MessageEvent<boolean>) => { note(data) })
addEventListener('offline', () => { note(false) })
// Whether the server is there as well, the next request tells.
addEventListener('online', () => { network.dispatchEvent(new Event('back')) })
show()
