import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** No sandbox, because CI is root in a container; and no talk with anybody but the page's own server. */
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'
]

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe']

const PLACES = [
  ...['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)].flatMap((folder) => COMMANDS.map((command) => join(folder, command))),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
]

const isProgram = (path: string) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Starts a headless Chromium or Chrome, the one of CHROMIUM_PATH or the first that is installed; it is closed after the test.
 * To be called after startApp: when a teardown throws, tap skips those that were set before it, and an open browser never ends.
 * @returns the browser; null when there is none, and then the test is already skipped
 * @throws Error when there is none and CI is "true": there a skipped test would look like a passed one
 */
export async function openBrowser (t: Test): Promise<Browser | null> {
  const { CHROMIUM_PATH, CI } = process.env
  const executablePath = (CHROMIUM_PATH ? [CHROMIUM_PATH] : PLACES).find(isProgram)
  if (!executablePath) {
    const reason = `no browser for this test: ${CHROMIUM_PATH ?? 'Chromium or Chrome'} was not found; CHROMIUM_PATH may name one`
    if (CI === 'true') throw new Error(reason)
    t.pass('in a browser', { skip: reason })
    return null
  }
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  teardown(t, async () => { await browser.close() })
  return browser
}
