// Compares the manifests of ops/kubernetes with the API of Kubernetes, and with what they say of this program.
// Usage: node .ci/kubernetes.mjs FOLDER, where FOLDER/node_modules has kubernetes-models and yaml
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const home = resolve(process.argv[2])

/** What a package from that folder exports. */
const load = async (path) => import(pathToFileURL(join(home, 'node_modules', path)))
const { parseAllDocuments } = (await load('yaml/dist/index.js')).default
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const settings = new Set(readFileSync('.env.example', 'utf8').match(/^[A-Z_0-9]+(?==)/gm))
const folder = 'ops/kubernetes'
const DRAIN_END_SECONDS = 5

const documents = readdirSync(folder).flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
  assert.deepEqual(document.errors, [], file)
  return { file, value: document.toJS() }
}))

/** The template of the pods that a resource makes. */
const podOf = ({ spec }) => spec?.template?.spec

// The validators let pass what they do not know: the compiler does not.
const typed = []

for (const { file, value } of documents) {
  const { apiVersion, kind } = value
  if (kind === 'Kustomization') {
    for (const name of value.resources) assert(documents.some((other) => other.file === name), `${file}: no ${name}`)
    for (const { newTag } of value.images) assert.equal(newTag, version, `${file}: the tag of the image`)
    continue
  }
  const [group, release = group] = apiVersion.split('/')
  const module = release === group ? release : `${group}/${release}`
  const { [kind]: Model } = await load(`kubernetes-models/${module}/${kind}.js`)
  new Model(value).validate()
  typed.push(`import type { I${kind} } from 'kubernetes-models/${module}/${kind}'`, `export const resource${typed.length}: I${kind} = ${JSON.stringify(value)}`)
  const pod = podOf(value)
  if (!pod) continue
  assert(pod.securityContext.runAsNonRoot && !pod.automountServiceAccountToken, `${file}: who runs`)
  for (const { env, image, securityContext, resources } of pod.containers) {
    assert(securityContext.readOnlyRootFilesystem && !securityContext.allowPrivilegeEscalation && securityContext.capabilities.drop.includes('ALL'), file)
    assert(resources.requests.cpu && resources.limits.memory, `${file}: resources`)
    if (image.includes(':')) assert.equal(image.split(':')[1], version, `${file}: the tag of the image`)
    for (const { name } of env) assert(settings.has(name.replace(/_FILE$/, '')), `${file}: ${name} is no setting`)
    const drain = Number(env.find(({ name }) => name === 'SHUTDOWN_DRAIN_SECONDS')?.value ?? 0)
    assert((pod.terminationGracePeriodSeconds ?? 30) > drain + DRAIN_END_SECONDS, `${file}: killed before it has stopped`)
  }
}
writeFileSync(join(home, 'manifests.mts'), typed.join('\n'))
execFileSync('npx', ['tsc', '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', join(home, 'manifests.mts')], { stdio: 'inherit' })
console.log(`${documents.length} manifests are good`)
