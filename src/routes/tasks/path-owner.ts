import type { onRequestHookHandler } from 'fastify'
import { ApiError } from '../../errors/api-error.js'
import type { OwnerPath } from '../../schemas/tasks.js'

/**
 * The guard of the mount with the user in its path: anything but the token's subject is refused, before the body is
 * looked at. UUIDs are the same in either case (RFC 9562 §4).
 * @throws FOREIGN_USER
 */
export const pathOwner: onRequestHookHandler = (request, _reply, done) => {
  const { user_id: userId } = request.params as OwnerPath
  done(userId.toLowerCase() === request.user.sub.toLowerCase() ? undefined : new ApiError('FOREIGN_USER'))
}
