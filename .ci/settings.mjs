import { readFileSync, writeFileSync } from 'node:fs'

/*
 * `npm run settings` writes the table of settings in README.md from src/config/settings.ts. With --check it writes nothing, and fails
 * when the table is another.
 */

const README = new URL('../README.md', import.meta.url)
const TABLE = /(?<=<!-- npm run settings -->\n)[^]*?(?=\n<!-- end -->)/

// What is shown is the range on a Node.js that nobody has told anything.
delete process.env.UV_THREADPOOL_SIZE
const { Settings } = await import('../src/config/settings.ts')

const code = (value) => value === undefined || value === '' ? '' : `\`${value}\``

/** Addresses and names of settings look like code. */
const marked = (text) => text.replace(/(?<![`(])\b(?:\w+:\/\/[^\s,)]*|[A-Z0-9]+(?:_[A-Z0-9]+)+|pglite:\w*)/g, '`$&`')

const row = ([name, { default: preset, 'x-default': shown, description, 'x-note': note }]) =>
  `| \`${name}\` | ${shown ?? code(preset)} | ${[marked(description), note].filter(Boolean).join('; ')} |`

const table = ['| variable | default | |', '|---|---|---|', ...Object.entries(Settings.properties).map(row)].join('\n')
const readme = readFileSync(README, 'utf8')
if (!TABLE.test(readme)) throw new Error('README.md has no place for the table of settings')
const next = readme.replace(TABLE, () => table)

if (!process.argv.includes('--check')) writeFileSync(README, next)
else if (next !== readme) {
  console.error('The table of settings in README.md is not that of src/config/settings.ts: `npm run settings` writes it')
  process.exit(1)
}
