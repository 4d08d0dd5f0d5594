import { LoginAnswer, LoginRequest, SignupRequest, User } from './auth.js'
import { ErrorAnswer, ValidationError, ValidationIssue } from './errors.js'
import { Health, HtmlPage, OpenApiDocument, Readiness, ServiceInfo } from './status.js'
import { Task, TaskCompletion, TaskCreate, TaskPage, TaskPatch, TaskUpdate } from './tasks.js'

/** The named components of the contract, in the order in which the documents show them. */
export const components = [
  User, SignupRequest, LoginRequest, LoginAnswer,
  Task, TaskCreate, TaskUpdate, TaskPatch, TaskCompletion, TaskPage,
  ErrorAnswer, ValidationError, ValidationIssue,
  Health, Readiness, ServiceInfo, HtmlPage, OpenApiDocument
]
