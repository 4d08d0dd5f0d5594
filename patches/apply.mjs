// Repairs installed packages with the unified diffs beside this file: after each install (npm's postinstall) and before a
// build, which bundles them. What has been repaired stays as it is. Anything else that is not exactly what a diff was made
// for, another version too, is an error. Usage: node patches/apply.mjs
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith('.patch'))) {
  const [, packageName, version] = /^(.+)\+(.+)\.patch$/.exec(name)
  const { version: installed } = JSON.parse(readFileSync(join(root, 'node_modules', packageName, 'package.json'), 'utf8'))
  if (installed !== version) throw new Error(`patches/${name} does not fit ${packageName} ${installed}: docs/decisions/driver.md says what it is for`)
  for (const { path, hunks } of filesOf(readFileSync(join(import.meta.dirname, name), 'utf8'))) {
    const file = join(root, path)
    const text = readFileSync(file, 'utf8')
    if (fits(text, hunks, 'after')) continue
    if (!fits(text, hunks, 'before')) throw new Error(`patches/${name} does not fit ${path}: install it anew`)
    writeFileSync(file, patched(text, hunks))
  }
}

/** Reads a unified diff: of each file the hunks, each with its lines before and after and where those begin, from 0. */
function filesOf (diff) {
  const files = []
  for (const line of diff.split('\n')) {
    const [, path] = /^\+\+\+ b\/(.+)$/.exec(line) ?? []
    const [, before, after] = /^@@ -(\d+),\d+ \+(\d+),\d+ @@/.exec(line) ?? []
    if (path) files.push({ path, hunks: [] })
    else if (before) files.at(-1).hunks.push({ before: { at: before - 1, lines: [] }, after: { at: after - 1, lines: [] } })
    else if (/^[ +-](?!-- a\/)/.test(line)) {
      const hunk = files.at(-1).hunks.at(-1)
      if (line[0] !== '+') hunk.before.lines.push(line.slice(1))
      if (line[0] !== '-') hunk.after.lines.push(line.slice(1))
    }
  }
  return files
}

/** Whether a text is as it was before, or is after, all hunks: no line may differ or be elsewhere. */
function fits (text, hunks, when) {
  const lines = text.split('\n')
  return hunks.every(({ [when]: { at, lines: wanted } }) => wanted.every((line, index) => lines[at + index] === line))
}

function patched (text, hunks) {
  const lines = text.split('\n')
  for (const { before, after } of hunks.toReversed()) lines.splice(before.at, before.lines.length, ...after.lines)
  return lines.join('\n')
}
