import { loadConfig } from '../config/load.js'
import { diagnose } from '../operations/doctor.js'
import { textOf } from '../operations/findings.js'

// `npm run doctor`: looks at all that a server needs, says what is wrong and how to mend it, and ends with status 1 then.
let found = 0
for await (const finding of diagnose(loadConfig)) {
  console.log(textOf(finding))
  if (finding.mend !== undefined) found++
}
console.log(found === 0 ? '\nAll is well' : `\nWrong: ${found}`)
process.exitCode = found === 0 ? 0 : 1
