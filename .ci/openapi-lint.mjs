// Redocly's linter, with the rules of .redocly.yaml. An error fails, and a warning does too.
// Usage: node .ci/openapi-lint.mjs [DOCUMENT], by default openapi.json
import { formatProblems, getTotals, lint, loadConfig } from '@redocly/openapi-core'

const config = await loadConfig({ configPath: '.redocly.yaml' })
const problems = await lint({ ref: process.argv[2] ?? 'openapi.json', config })
if (problems.length > 0) {
  formatProblems(problems, { totals: getTotals(problems), version: '' })
  process.exit(1)
}
