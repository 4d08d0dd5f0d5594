import { readdirSync } from 'node:fs'

/**
 * What the tests have to cover, whichever of them: all of src/. The client is tried in Chromium as well, which is not counted:
 * locks, channels and storage of a browser are not there without one.
 */
const covered = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((file) => `src/${file}`)

export default () => covered
