import type { Credentials } from '../../accounts/credentials.js'
import type { LoginDesk } from '../../accounts/login.js'
import type { Sessions } from '../../accounts/sessions.js'

/** What the routes of accounts do their work with. */
export interface Accounts { login: LoginDesk, credentials: Credentials, sessions: Sessions }
