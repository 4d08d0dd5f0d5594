import type { DatabaseFacts } from '../db/inspect.js'
import { fine, wrong, type Finding } from './findings.js'

/** The oldest PostgreSQL that is supported, as `server_version_num`. */
const OLDEST = 150_000

/** Milliseconds beyond which an answer, and the clock, are too far away. */
const FAR = 20
const APART = 2000

const WHAT = 'Database'

/** What codes of PostgreSQL and of the network mean (PostgreSQL documentation, appendix A), and how to mend it. */
const REFUSALS: Array<[reason: RegExp, says: string, mend: string]> = [
  [/ECONNREFUSED|ENOENT/, 'nothing listens there', 'start PostgreSQL, or correct host and port in DATABASE_URL'],
  [/ENOTFOUND|EAI_AGAIN/, 'its host has no address', 'correct the host in DATABASE_URL, or the name service'],
  [/TIMEOUT|no answer|EHOSTUNREACH|ENETUNREACH/, 'it does not answer in time', 'look for a firewall in between, correct DATABASE_URL, or raise DATABASE_CONNECT_TIMEOUT'],
  [/^28|SASL/, 'it refuses the user or the password', 'correct both in DATABASE_URL, or what pg_hba.conf says of them'],
  [/^3D000/, 'it has no such database', 'create it: createdb, or CREATE DATABASE … ENCODING \'UTF8\''],
  [/^53300/, 'it has no connection left', 'raise max_connections or the limit of the role, or lower DATABASE_POOL_SIZE'],
  [/^57P03/, 'it is starting or stopping', 'wait, and look into its log when that does not help'],
  [/CERT|^UNABLE_TO_|SELF_SIGNED|no TLS|^ERR_(TLS|SSL)/, 'no TLS connection that can be trusted', 'correct sslmode and sslrootcert in DATABASE_URL, or the certificate of the server'],
  [/takes no writes/, 'none of its hosts takes writes', 'name the primary in DATABASE_URL, or promote a standby']
]

/** @param reason of DatabaseUnavailable */
export function refusalOf (label: string, reason: string): Finding {
  const [, says, mend] = REFUSALS.find(([known]) => known.test(reason)) ??
    [/./, 'it cannot be used', 'look the code up in the documentation of PostgreSQL, appendix A, and look into its log']
  return wrong(WHAT, `${label}: ${says} (${reason})`, mend)
}

/** @param isRemote whether it is a server of its own, with a clock and settings */
export function findingsOn (label: string, facts: DatabaseFacts, isRemote: boolean): Finding[] {
  const found = [...oddities(facts), ...isRemote ? oddServer(facts) : []]
  return [fine(WHAT, `${label}, PostgreSQL ${versionOf(facts)}, answers in ${facts.latency.toFixed(1)} ms`), ...found]
}

const versionOf = ({ version }: DatabaseFacts) => `${Math.floor(version / 10_000)}.${version % 10_000}`

function oddities (facts: DatabaseFacts): Finding[] {
  const { version, encoding, icu, forbidden, pending, newer, mayCreate } = facts
  const found: Finding[] = []
  const say = (says: string, mend: string) => { found.push(wrong(WHAT, says, mend)) }
  if (version < OLDEST) say(`PostgreSQL ${versionOf(facts)} is too old`, 'upgrade it to 15 or later')
  if (encoding !== 'UTF8') say(`its encoding is ${encoding}`, 'make another one with ENCODING \'UTF8\' TEMPLATE template0, and restore into it')
  if (!icu) say('it has no ICU collations, which searches need', 'use a PostgreSQL that is built with ICU, as all packages are')
  if (forbidden) say(`the role may not read and write ${forbidden}`, 'GRANT USAGE ON SCHEMA todo, and SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA todo')
  if (newer) say('a newer version has migrated it, and this one cannot work with it', 'start that version, or restore a backup of before')
  else if (pending && mayCreate) say(`migrations to be applied: ${pending}`, 'npm run db:migrate; a start does so as well')
  else if (pending) say(`migrations to be applied: ${pending}, and the role may not`, 'run npm run db:migrate as a role that may, or CREATE SCHEMA todo AUTHORIZATION the role')
  return found
}

function oddServer ({ standby, notDurable, latency, ahead }: DatabaseFacts): Finding[] {
  const found: Finding[] = []
  if (standby) found.push(wrong(WHAT, 'it is a standby and takes no writes', 'name the primary in DATABASE_URL, or promote it'))
  if (notDurable) found.push(wrong(WHAT, `${notDurable} off: what was acknowledged can be lost in a crash`, 'turn it on in postgresql.conf'))
  if (latency > FAR) found.push(wrong(WHAT, `an answer takes ${Math.round(latency)} ms, and each request waits for one`, 'run it nearer to this server'))
  if (Math.abs(ahead) > APART) {
    const says = `its clock is ${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`
    found.push(wrong(WHAT, says, 'set both by NTP: sessions and tokens end by the clock'))
  }
  return found
}
