import type { Credentials } from '../../accounts/credentials.js'
import type { Login } from '../../accounts/login.js'
import type { Sessions } from '../../accounts/sessions.js'

/** What the routes of accounts need. */
export interface Accounts { login: Login, credentials: Credentials, sessions: Sessions }
