import type { Failure, Issue } from 'todo-backend-client'

/** What the API's own text does not tell a person. */
const PLAIN: Record<string, string> = {
  'Not authenticated': 'Nothing was changed, because you are not logged in.',
  'Invalid authentication credentials': 'Nothing was changed, because you are not logged in.',
  'Email not verified': 'Please open the link in the mail that was just sent to you, and log in again.'
}

/** @returns what a person can do about a failure */
export const textOf = ({ body: { detail } }: Failure): string => typeof detail === 'string' ? PLAIN[detail] ?? detail : listed(detail)

/** @returns broken rules as one text */
export const listed = (issues: Issue[]): string => issues.map(({ loc, msg }) => `${loc.join('.')} ${msg}`).join('; ')

/** @returns the same for what was thrown: `fetch` throws a TypeError when there is no answer */
export const textOfError = (error: unknown): string =>
  error instanceof TypeError ? 'The server cannot be reached. Try again in a moment.' : String(error)
