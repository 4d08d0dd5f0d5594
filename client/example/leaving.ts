import { onSubmit, typed } from './forms.js'
import { byId, complain, onAction, say } from './page.js'
import { loggedIn, todo } from './session.js'
import { textOf } from './texts.js'

const form = byId('delete-account', HTMLFormElement)

/** Calls a function when the account is gone. */
export function onDeleted (act: () => void): void {
  onSubmit(form, async () => {
    const result = await loggedIn(async () => todo.account.remove({ password: typed(form, 'password') }))
    if (!result.ok) return result
    act()
  })
}

onAction(byId('export', HTMLButtonElement), async () => {
  const result = await loggedIn(async () => todo.account.export())
  if (!result.ok) return complain(textOf(result))
  save(await result.response.blob(), 'todo-export.json')
  say('Downloaded')
})

/** Gives the person a file. The browser keeps a large one on the disk. */
function save (content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
