// Follows the Dockerfile's own steps without a Docker engine, each stage in a folder of its own, so that a file or a
// dependency that the image would miss is missed here too. Prints the last stage's folder, environment and command.
// Usage: node .ci/image.mjs FOLDER
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

const root = resolve(process.argv[2])
const context = process.cwd()
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const stages = {}
let stage

const copy = (args) => {
  const from = args[0].startsWith('--from=') ? stages[args.shift().slice('--from='.length)] : null
  const target = args.pop()
  for (const source of args) {
    const path = from ? join(from.folder, source.replace(/^\/app\//, '')) : join(context, source)
    const isFolder = statSync(path).isDirectory()
    cpSync(path, join(stage.folder, isFolder || !target.endsWith('/') ? target : join(target, basename(source))), { recursive: true })
  }
}

const steps = {
  FROM (line) {
    const name = / AS (\w+)$/i.exec(line)?.[1] ?? 'last'
    stage = stages[name] = { folder: join(root, name), env: {} }
    mkdirSync(stage.folder, { recursive: true })
  },
  COPY: (line) => copy(line.split(' ')),
  ENV (line) {
    const [name, value] = line.split('=')
    stage.env[name] = value
  },
  RUN: (line) => execFileSync('sh', ['-c', line], { cwd: stage.folder, env: { ...process.env, ...stage.env }, stdio: ['ignore', 2, 2] }),
  CMD (line) { stage.command = JSON.parse(line) },
  HEALTHCHECK (line) { stage.healthcheck = JSON.parse(line.slice(line.indexOf('CMD ') + 4)) },
  LABEL (line) {
    const [, name, value] = /^org\.opencontainers\.image\.(\w+)="(.+)"$/.exec(line)
    if (name === 'version' && value !== version) throw new Error(`The label says version ${value}, package.json ${version}`)
  },
  WORKDIR () {},
  USER () {},
  EXPOSE () {}
}

for (const line of readFileSync('Dockerfile', 'utf8').split('\n').filter((text) => /^[A-Z]/.test(text))) {
  const [, instruction, rest] = /^(\w+) (.*)$/.exec(line)
  steps[instruction](rest)
}
console.log(JSON.stringify(stages.last))
