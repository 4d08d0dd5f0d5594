import {
  Accepted, AccountDeletion, EmailChange, EmailConfirmation, Export, PasswordChange, PasswordReset, PasswordResetRequest,
  ProfileChange,
  RefreshRequest, Session, SessionList
} from './accounts.js'
import { LoginAnswer, LoginRequest, SignupRequest, User } from './auth.js'
import { ErrorAnswer, ValidationError, ValidationIssue } from './errors.js'
import { Health, HtmlPage, OpenApiDocument, Readiness, ServiceInfo } from './status.js'
import { ChangesPage, EventStreamText, TaskChange } from './sync.js'
import { Task, TaskCompletion, TaskCreate, TaskPage, TaskPatch, TaskUpdate } from './tasks.js'

/** The named components of the contract, in the order in which the documents show them. */
export const components = [
  User, SignupRequest, LoginRequest, LoginAnswer, RefreshRequest, Session, SessionList, ProfileChange, PasswordChange,
  EmailChange,
  AccountDeletion, PasswordResetRequest, PasswordReset, EmailConfirmation, Accepted, Export,
  Task, TaskCreate, TaskUpdate, TaskPatch, TaskCompletion, TaskPage, TaskChange, ChangesPage, EventStreamText,
  ErrorAnswer, ValidationError, ValidationIssue,
  Health, Readiness, ServiceInfo, HtmlPage, OpenApiDocument
]
