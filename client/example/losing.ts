import { byId } from './page.js'

const dialog = byId('lose', HTMLDialogElement)

/**
 * Asks whether somebody wants to log out although the server does not have all that was done here.
 * @param count of such changes; nothing is asked when there are none
 */
export async function mayLose (count: number): Promise<boolean> {
  if (count === 0) return true
  byId('lost', HTMLElement).textContent = `${count} ${count === 1 ? 'change has' : 'changes have'} not been sent yet.`
  dialog.returnValue = ''
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => { resolve(dialog.returnValue === 'lose') }, { once: true })
    dialog.showModal()
  })
}
