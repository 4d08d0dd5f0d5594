/* eslint-disable */
// Made from openapi.json by `npm run client`. Do not edit.

export interface paths {
    "/api/auth/signup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign up
         * @description Creates an account. The password is kept as an Argon2id hash and never returned. A mail with a link to confirm the email is sent.
         */
        post: operations["signUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Begins a session and returns its tokens. An unknown email and a wrong password get the same answer after the same time.
         */
        post: operations["logIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Renew the tokens
         * @description Returns new tokens; the new refresh token replaces the one that was sent. That one can be sent again until the new one is used: a client that lost the answer gets the same refresh token again. An older one ends the session.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List my sessions
         * @description The sessions that have not ended, last used first.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * End my sessions
         * @description Ends all of the user's sessions, or with `except_current` all others.
         */
        delete: operations["endSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read my account
         * @description The account that the token belongs to.
         */
        get: operations["getMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change my name
         * @description Changes the name that is shown to people.
         */
        patch: operations["changeMe"];
        trace?: never;
    };
    "/api/auth/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change my password
         * @description Sets a new password and ends every other session.
         */
        put: operations["changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change my email
         * @description Sends a link to the new address. The new address takes effect when the link is used; the old one is then notified.
         */
        put: operations["changeEmail"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete my account
         * @description Deletes the account with all its tasks, permanently. Its tokens are 401 from then on.
         */
        post: operations["deleteMe"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export my account
         * @description The account with all its tasks, oldest first, as a file. It is read page by page: changes made meanwhile may or may not be included.
         */
        get: operations["exportMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a password reset
         * @description Sends a link to set a new password. The answer and its time are the same whether the account exists or not.
         */
        post: operations["requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/password-reset/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reset the password
         * @description Sets a new password with the token from the mail, once. Every session ends, and the email counts as verified.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/email-verification/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm an email
         * @description Confirms an email with the token from the mail; a new address takes effect now. Repeating it is harmless.
         */
        post: operations["confirmEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the session: its refresh token and its access tokens are no longer valid. A body is ignored.
         */
        post: operations["logOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/email-verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send the link that confirms my email
         * @description Sends the link again; does nothing if the email is already verified. A body is ignored.
         */
        post: operations["requestEmailVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one of my sessions
         * @description Logs out one device or browser.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tasks/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List changes
         * @description Without `since` the pages go through all tasks, oldest first, and then through what has changed meanwhile. Pass `next` back as `since`, also after the last page: a client that applies all pages has exactly the tasks of the server.
         */
        get: operations["listTaskChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tasks/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream changes
         * @description A stream of events after `Last-Event-ID` or `since`, or from now on: `ready`, then `task` and `deleted`, each with an id that can be used as `since`. `reset` means that the position has expired: fetch all changes again. `unauthenticated` comes last, when the token expires or its session ends. The stream does not end by itself, so that *Try it out* has nothing to show: use `curl -N`.
         */
        get: operations["followTasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tasks
         * @description Newest first, or in the order of `sort`. Page by `offset`, with an exact total, or by `cursor`, at the same cost at any depth. With the `ETag` of a page as `If-None-Match`, the answer is 304 as long as no task has changed.
         */
        get: operations["listTasks"];
        put?: never;
        /**
         * Create a task
         * @description The new task is open and belongs to the token's user. With an `Idempotency-Key` the request can be repeated after a lost answer and still creates one task.
         */
        post: operations["createTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a task
         * @description Only its owner's token can read it.
         */
        get: operations["getTask"];
        /**
         * Replace a task's content
         * @description Replaces title and description; an absent description becomes null. `is_completed` stays as it is, and so does an absent `due_date`.
         */
        put: operations["updateTask"];
        post?: never;
        /**
         * Delete a task
         * @description Deletes it permanently.
         */
        delete: operations["deleteTask"];
        options?: never;
        head?: never;
        /**
         * Change parts of a task
         * @description A JSON merge patch (RFC 7396): absent members stay as they are, null clears.
         */
        patch: operations["patchTask"];
        trace?: never;
    };
    "/api/tasks/{task_id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Complete or reopen a task
         * @description Sets `is_completed` as the body says, or toggles it when there is no body.
         */
        patch: operations["completeTask"];
        trace?: never;
    };
    "/api/{user_id}/tasks/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List changes
         * @description Without `since` the pages go through all tasks, oldest first, and then through what has changed meanwhile. Pass `next` back as `since`, also after the last page: a client that applies all pages has exactly the tasks of the server.
         */
        get: operations["listTaskChangesOfUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/{user_id}/tasks/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream changes
         * @description A stream of events after `Last-Event-ID` or `since`, or from now on: `ready`, then `task` and `deleted`, each with an id that can be used as `since`. `reset` means that the position has expired: fetch all changes again. `unauthenticated` comes last, when the token expires or its session ends. The stream does not end by itself, so that *Try it out* has nothing to show: use `curl -N`.
         */
        get: operations["followTasksOfUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/{user_id}/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tasks
         * @description Newest first, or in the order of `sort`. Page by `offset`, with an exact total, or by `cursor`, at the same cost at any depth. With the `ETag` of a page as `If-None-Match`, the answer is 304 as long as no task has changed.
         */
        get: operations["listTasksOfUser"];
        put?: never;
        /**
         * Create a task
         * @description The new task is open and belongs to the token's user. With an `Idempotency-Key` the request can be repeated after a lost answer and still creates one task.
         */
        post: operations["createTaskOfUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/{user_id}/tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a task
         * @description Only its owner's token can read it.
         */
        get: operations["getTaskOfUser"];
        /**
         * Replace a task's content
         * @description Replaces title and description; an absent description becomes null. `is_completed` stays as it is, and so does an absent `due_date`.
         */
        put: operations["updateTaskOfUser"];
        post?: never;
        /**
         * Delete a task
         * @description Deletes it permanently.
         */
        delete: operations["deleteTaskOfUser"];
        options?: never;
        head?: never;
        /**
         * Change parts of a task
         * @description A JSON merge patch (RFC 7396): absent members stay as they are, null clears.
         */
        patch: operations["patchTaskOfUser"];
        trace?: never;
    };
    "/api/{user_id}/tasks/{task_id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Complete or reopen a task
         * @description Sets `is_completed` as the body says, or toggles it when there is no body.
         */
        patch: operations["completeTaskOfUser"];
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Liveness
         * @description 200 while the process runs. Does not query the database.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readiness
         * @description 200 when the database answers and the server is not shutting down, otherwise 503.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * About this service
         * @description Name, version and the paths of the documentation.
         */
        get: operations["getServiceInfo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Interactive documentation
         * @description Swagger UI: try every operation in the browser.
         */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/redoc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reference documentation
         * @description ReDoc: read every operation in the browser.
         */
        get: operations["getRedoc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * OpenAPI document
         * @description This API description, for programs.
         */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description An account
         * @example {
         *       "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
         *       "email": "ada@example.com",
         *       "name": "Ada Lovelace",
         *       "created_at": "2026-01-06T10:30:00.000Z",
         *       "email_verified": true
         *     }
         */
        User: {
            /**
             * Format: uuid
             * @description A UUIDv7: ids sort by creation
             */
            id: string;
            /**
             * Format: email
             * @description ASCII `local@domain.tld`, in lower case; unique
             * @example ada@example.com
             */
            email: string;
            /**
             * @description Shown to people; not only white space
             * @example Ada Lovelace
             */
            name: string;
            /**
             * Format: date-time
             * @example 2026-01-06T10:30:00.000Z
             */
            created_at: string;
            /** @description Whether the link mailed to this address has been used */
            email_verified: boolean;
        };
        /**
         * @description A new account
         * @example {
         *       "email": "ada@example.com",
         *       "password": "correct horse battery staple",
         *       "name": "Ada Lovelace"
         *     }
         */
        SignupRequest: {
            /**
             * Format: email
             * @description ASCII `local@domain.tld`; surrounding white space and case are ignored
             * @example ada@example.com
             */
            email: string;
            /**
             * Format: password
             * @description Any characters; normalized to NFC, never trimmed or cut (NIST SP 800-63B §3.1.1.2)
             * @example correct horse battery staple
             */
            password: string;
            /**
             * @description Shown to people; not only white space
             * @example Ada Lovelace
             */
            name: string;
        };
        /**
         * @description An account and its password
         * @example {
         *       "email": "ada@example.com",
         *       "password": "correct horse battery staple"
         *     }
         */
        LoginRequest: {
            /**
             * Format: email
             * @description ASCII `local@domain.tld`; surrounding white space and case are ignored
             * @example ada@example.com
             */
            email: string;
            /**
             * Format: password
             * @example correct horse battery staple
             */
            password: string;
        };
        /**
         * @description Tokens and their user
         * @example {
         *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTliOTJkNCJ9.c2lnbmF0dXJl",
         *       "token_type": "bearer",
         *       "expires_in": 1800,
         *       "refresh_token": "WyIwMTliOTJkNCIsIjAxOWI5MmQ1IiwwXQ.c2lnbmF0dXJl",
         *       "refresh_expires_in": 2592000,
         *       "user": {
         *         "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
         *         "email": "ada@example.com",
         *         "name": "Ada Lovelace",
         *         "created_at": "2026-01-06T10:30:00.000Z",
         *         "email_verified": true
         *       }
         *     }
         */
        LoginAnswer: {
            /** @description A JWT to send as `Authorization: Bearer …` */
            access_token: string;
            /** @enum {string} */
            token_type: "bearer";
            /** @description Seconds until the access token expires */
            expires_in: number;
            /** @description Exchange it for new tokens at `POST /api/auth/refresh` */
            refresh_token: string;
            /** @description Seconds until the session ends, unless it is renewed */
            refresh_expires_in: number;
            user: components["schemas"]["User"];
        };
        /**
         * @description What renews a session
         * @example {
         *       "refresh_token": "eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl"
         *     }
         */
        RefreshRequest: {
            refresh_token: string;
        };
        /**
         * @description A login of a device or browser
         * @example {
         *       "id": "019b92d4-2a10-7c55-8e21-6f0b8f6a0102",
         *       "created_at": "2026-01-06T10:30:00.000Z",
         *       "last_used_at": "2026-01-07T08:00:00.000Z",
         *       "expires_at": "2026-02-06T08:00:00.000Z",
         *       "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
         *       "is_current": true
         *     }
         */
        Session: {
            /** Format: uuid */
            id: string;
            /**
             * Format: date-time
             * @description When the login was
             * @example 2026-01-06T10:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description The last renewal, or the login
             * @example 2026-01-06T10:30:00.000Z
             */
            last_used_at: string;
            /**
             * Format: date-time
             * @description When the session ends unless it is renewed
             * @example 2026-01-06T10:30:00.000Z
             */
            expires_at: string;
            /** @description The `User-Agent` of the login */
            user_agent: string | null;
            /** @description Whether this request belongs to it */
            is_current: boolean;
        };
        /**
         * @description The sessions of a user, last used first
         * @example {
         *       "sessions": [
         *         {
         *           "id": "019b92d4-2a10-7c55-8e21-6f0b8f6a0102",
         *           "created_at": "2026-01-06T10:30:00.000Z",
         *           "last_used_at": "2026-01-07T08:00:00.000Z",
         *           "expires_at": "2026-02-06T08:00:00.000Z",
         *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
         *           "is_current": true
         *         }
         *       ]
         *     }
         */
        SessionList: {
            sessions: components["schemas"]["Session"][];
        };
        /**
         * @description What is shown of an account
         * @example {
         *       "name": "Ada King"
         *     }
         */
        ProfileChange: {
            /**
             * @description Shown to people; not only white space
             * @example Ada Lovelace
             */
            name: string;
        };
        /**
         * @description A new password
         * @example {
         *       "current_password": "correct horse battery staple",
         *       "new_password": "battery staple correct horse"
         *     }
         */
        PasswordChange: {
            /**
             * Format: password
             * @example correct horse battery staple
             */
            current_password: string;
            /**
             * Format: password
             * @description Any characters; normalized to NFC, never trimmed or cut (NIST SP 800-63B §3.1.1.2)
             * @example correct horse battery staple
             */
            new_password: string;
        };
        /**
         * @description A new email
         * @example {
         *       "email": "ada@example.org",
         *       "password": "correct horse battery staple"
         *     }
         */
        EmailChange: {
            /**
             * Format: email
             * @description ASCII `local@domain.tld`; surrounding white space and case are ignored
             * @example ada@example.com
             */
            email: string;
            /**
             * Format: password
             * @example correct horse battery staple
             */
            password: string;
        };
        /**
         * @description The password of an account that is to go
         * @example {
         *       "password": "correct horse battery staple"
         *     }
         */
        AccountDeletion: {
            /**
             * Format: password
             * @example correct horse battery staple
             */
            password: string;
        };
        /**
         * @description Whose password is forgotten
         * @example {
         *       "email": "ada@example.com"
         *     }
         */
        PasswordResetRequest: {
            /**
             * Format: email
             * @description ASCII `local@domain.tld`; surrounding white space and case are ignored
             * @example ada@example.com
             */
            email: string;
        };
        /**
         * @description A new password, by the token of a mail
         * @example {
         *       "token": "eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl",
         *       "new_password": "battery staple correct horse"
         *     }
         */
        PasswordReset: {
            token: string;
            /**
             * Format: password
             * @description Any characters; normalized to NFC, never trimmed or cut (NIST SP 800-63B §3.1.1.2)
             * @example correct horse battery staple
             */
            new_password: string;
        };
        /**
         * @description The token of a mail
         * @example {
         *       "token": "eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl"
         *     }
         */
        EmailConfirmation: {
            token: string;
        };
        /**
         * @description A mail is sent, if there is a recipient
         * @example {
         *       "status": "accepted"
         *     }
         */
        Accepted: {
            /** @enum {string} */
            status: "accepted";
        };
        /**
         * @description An account with all its tasks, oldest first
         * @example {
         *       "user": {
         *         "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
         *         "email": "ada@example.com",
         *         "name": "Ada Lovelace",
         *         "created_at": "2026-01-06T10:30:00.000Z",
         *         "email_verified": true
         *       },
         *       "tasks": []
         *     }
         */
        Export: {
            user: components["schemas"]["User"];
            tasks: components["schemas"]["Task"][];
        };
        /**
         * @description A task, which only its owner can see
         * @example {
         *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
         *       "title": "Buy milk",
         *       "description": "Two litres",
         *       "is_completed": false,
         *       "due_date": "2026-01-09",
         *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
         *       "created_at": "2026-01-06T10:30:04.000Z",
         *       "updated_at": "2026-01-06T10:30:04.000Z"
         *     }
         */
        Task: {
            /**
             * Format: uuid
             * @description A UUIDv7: ids sort by creation
             */
            id: string;
            /**
             * @description Not only white space
             * @example Buy milk
             */
            title: string;
            /**
             * @description Any text, or null
             * @example Two litres
             */
            description: string | null;
            /** @description Whether the task is done */
            is_completed: boolean;
            /**
             * Format: date
             * @description The day on which the task is due, or null; no time zone applies
             * @example 2026-01-09
             */
            due_date: string | null;
            /**
             * Format: uuid
             * @description The owner
             */
            user_id: string;
            /**
             * Format: date-time
             * @example 2026-01-06T10:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the task was last changed; never goes back
             * @example 2026-01-06T10:30:00.000Z
             */
            updated_at: string;
        };
        /**
         * @description A new task
         * @example {
         *       "title": "Buy milk",
         *       "description": "Two litres",
         *       "due_date": "2026-01-09"
         *     }
         */
        TaskCreate: {
            /**
             * @description Not only white space
             * @example Buy milk
             */
            title: string;
            /**
             * @description Any text, or null
             * @example Two litres
             */
            description?: string | null;
            /**
             * Format: date
             * @description The day on which the task is due, or null; no time zone applies
             * @example 2026-01-09
             */
            due_date?: string | null;
        };
        /**
         * @description The new content. An absent description becomes null, an absent due date stays as it is
         * @example {
         *       "title": "Buy oat milk",
         *       "description": null
         *     }
         */
        TaskUpdate: {
            /**
             * @description Not only white space
             * @example Buy milk
             */
            title: string;
            /**
             * @description Any text, or null
             * @example Two litres
             */
            description?: string | null;
            /**
             * Format: date
             * @description The day on which the task is due, or null; no time zone applies
             * @example 2026-01-09
             */
            due_date?: string | null;
        };
        /**
         * @description The members to change: absent ones stay as they are, null clears
         * @example {
         *       "title": "Buy oat milk",
         *       "due_date": null
         *     }
         */
        TaskPatch: {
            /**
             * @description Not only white space
             * @example Buy milk
             */
            title?: string;
            /**
             * @description Any text, or null
             * @example Two litres
             */
            description?: string | null;
            /**
             * Format: date
             * @description The day on which the task is due, or null; no time zone applies
             * @example 2026-01-09
             */
            due_date?: string | null;
            /** @description Whether the task is done */
            is_completed?: boolean;
        };
        /**
         * @description Done or not done
         * @example {
         *       "is_completed": true
         *     }
         */
        TaskCompletion: {
            /** @description Whether the task is done */
            is_completed: boolean;
        };
        /**
         * @description A page of tasks, in the requested order
         * @example {
         *       "tasks": [
         *         {
         *           "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
         *           "title": "Buy milk",
         *           "description": "Two litres",
         *           "is_completed": false,
         *           "due_date": "2026-01-09",
         *           "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
         *           "created_at": "2026-01-06T10:30:04.000Z",
         *           "updated_at": "2026-01-06T10:30:04.000Z"
         *         }
         *       ],
         *       "total": 1,
         *       "limit": 50,
         *       "offset": 0,
         *       "next_cursor": null
         *     }
         */
        TaskPage: {
            tasks: components["schemas"]["Task"][];
            /** @description How many tasks match in all; offset pages only */
            total?: number;
            /** @default 50 */
            limit: number;
            /**
             * Format: int64
             * @description How many tasks were skipped; offset pages only
             */
            offset?: number;
            /** @description Pass it back as `cursor` for the next page; null on the last page */
            next_cursor: string | null;
        };
        /**
         * @description The present state of a task, or the id of a deleted one
         * @example {
         *       "task": {
         *         "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
         *         "title": "Buy milk",
         *         "description": "Two litres",
         *         "is_completed": false,
         *         "due_date": "2026-01-09",
         *         "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
         *         "created_at": "2026-01-06T10:30:04.000Z",
         *         "updated_at": "2026-01-06T10:30:04.000Z"
         *       }
         *     }
         * @example {
         *       "deleted": {
         *         "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55"
         *       }
         *     }
         */
        TaskChange: {
            task?: components["schemas"]["Task"];
            deleted?: {
                /** Format: uuid */
                id: string;
            };
        };
        /**
         * @description What has changed, in order. A page may have fewer than `limit` changes, even none, while more follow
         * @example {
         *       "changes": [
         *         {
         *           "deleted": {
         *             "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55"
         *           }
         *         }
         *       ],
         *       "next": "MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw",
         *       "has_more": false
         *     }
         */
        ChangesPage: {
            changes: components["schemas"]["TaskChange"][];
            /** @description Opaque: where the next page begins, also after the last page */
            next: string;
            /** @description Whether there is more to fetch now */
            has_more: boolean;
        };
        /**
         * @description A stream of events, which does not end by itself (HTML Standard, section 9.2)
         * @example event: ready
         *     data: {"position":"MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw"}
         */
        EventStreamText: string;
        /** @description An error: what happened, and the HTTP status */
        ErrorAnswer: {
            /** @description What happened: a constant text */
            detail: string;
            /** @description The HTTP status */
            status_code: number;
        };
        /** @description The rules that the request breaks, the first 20 at most */
        ValidationError: {
            detail: components["schemas"]["ValidationIssue"][];
            /** @enum {integer} */
            status_code: 422;
        };
        /**
         * @description One broken rule
         * @example {
         *       "loc": [
         *         "body",
         *         "title"
         *       ],
         *       "msg": "is required",
         *       "type": "value_error.missing"
         *     }
         */
        ValidationIssue: {
            /** @description Where: `body`, `query`, `path` or `header`, then the names down to the value */
            loc: string[];
            /** @description The rule, for a person */
            msg: string;
            /** @description The rule, for a program */
            type: string;
        };
        /**
         * @description The process runs
         * @example {
         *       "status": "healthy"
         *     }
         */
        Health: {
            /** @enum {string} */
            status: "healthy";
        };
        /**
         * @description The database answers
         * @example {
         *       "status": "ready"
         *     }
         */
        Readiness: {
            /** @enum {string} */
            status: "ready";
        };
        /**
         * @description Name, version and documentation of the service
         * @example {
         *       "name": "Todo Backend API",
         *       "version": "1.1.0",
         *       "docs": "/docs",
         *       "redoc": "/redoc",
         *       "openapi": "/openapi.json"
         *     }
         */
        ServiceInfo: {
            name: string;
            version: string;
            /** @description Path of the interactive documentation */
            docs: string;
            /** @description Path of the reference documentation */
            redoc: string;
            /** @description Path of the OpenAPI document */
            openapi: string;
        };
        /** @description A page for a browser */
        HtmlPage: string;
        /**
         * @description An OpenAPI 3.1 document
         * @example {
         *       "openapi": "3.1.0",
         *       "info": {
         *         "title": "Todo Backend API",
         *         "version": "1.1.0"
         *       },
         *       "paths": {}
         *     }
         */
        OpenApiDocument: {
            openapi: string;
            info: {
                title: string;
                version: string;
            } & {
                [key: string]: unknown;
            };
            paths: {
                [key: string]: unknown;
            };
        } & {
            [key: string]: unknown;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    signUp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "ada@example.com",
                 *       "password": "correct horse battery staple",
                 *       "name": "Ada Lovelace"
                 *     }
                 */
                "application/json": components["schemas"]["SignupRequest"];
            };
        };
        responses: {
            /** @description The new account */
            201: {
                headers: {
                    /** @description Where the account is read: `/api/auth/me` */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "email": "ada@example.com",
                     *       "name": "Ada Lovelace",
                     *       "created_at": "2026-01-06T10:30:00.000Z",
                     *       "email_verified": true
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Another account has the email */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    logIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "ada@example.com",
                 *       "password": "correct horse battery staple"
                 *     }
                 */
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description The tokens and their user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTliOTJkNCJ9.c2lnbmF0dXJl",
                     *       "token_type": "bearer",
                     *       "expires_in": 1800,
                     *       "refresh_token": "WyIwMTliOTJkNCIsIjAxOWI5MmQ1IiwwXQ.c2lnbmF0dXJl",
                     *       "refresh_expires_in": 2592000,
                     *       "user": {
                     *         "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *         "email": "ada@example.com",
                     *         "name": "Ada Lovelace",
                     *         "created_at": "2026-01-06T10:30:00.000Z",
                     *         "email_verified": true
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The email is not confirmed yet, and the server requires that for a login */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "refresh_token": "eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl"
                 *     }
                 */
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description The new tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTliOTJkNCJ9.c2lnbmF0dXJl",
                     *       "token_type": "bearer",
                     *       "expires_in": 1800,
                     *       "refresh_token": "WyIwMTliOTJkNCIsIjAxOWI5MmQ1IiwwXQ.c2lnbmF0dXJl",
                     *       "refresh_expires_in": 2592000,
                     *       "user": {
                     *         "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *         "email": "ada@example.com",
                     *         "name": "Ada Lovelace",
                     *         "created_at": "2026-01-06T10:30:00.000Z",
                     *         "email_verified": true
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions": [
                     *         {
                     *           "id": "019b92d4-2a10-7c55-8e21-6f0b8f6a0102",
                     *           "created_at": "2026-01-06T10:30:00.000Z",
                     *           "last_used_at": "2026-01-07T08:00:00.000Z",
                     *           "expires_at": "2026-02-06T08:00:00.000Z",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                     *           "is_current": true
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    endSessions: {
        parameters: {
            query?: {
                /** @description Whether to keep the session of this request */
                except_current?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions have ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token's user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "email": "ada@example.com",
                     *       "name": "Ada Lovelace",
                     *       "created_at": "2026-01-06T10:30:00.000Z",
                     *       "email_verified": true
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    changeMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Ada King"
                 *     }
                 */
                "application/json": components["schemas"]["ProfileChange"];
            };
        };
        responses: {
            /** @description The account as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "email": "ada@example.com",
                     *       "name": "Ada Lovelace",
                     *       "created_at": "2026-01-06T10:30:00.000Z",
                     *       "email_verified": true
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    /** @description The media types that are taken */
                    "Accept-Patch"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "current_password": "correct horse battery staple",
                 *       "new_password": "battery staple correct horse"
                 *     }
                 */
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            /** @description The password has changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The password is not that of the account */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    changeEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "ada@example.org",
                 *       "password": "correct horse battery staple"
                 *     }
                 */
                "application/json": components["schemas"]["EmailChange"];
            };
        };
        responses: {
            /** @description A mail is sent */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "accepted"
                     *     }
                     */
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The password is not that of the account */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Another account has the email */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    deleteMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "password": "correct horse battery staple"
                 *     }
                 */
                "application/json": components["schemas"]["AccountDeletion"];
            };
        };
        responses: {
            /** @description The account is gone */
            204: {
                headers: {
                    /** @description `"cache"`: the browser empties its cache */
                    "Clear-Site-Data"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The password is not that of the account */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    exportMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account and its tasks */
            200: {
                headers: {
                    /** @description `attachment`, with a file name */
                    "Content-Disposition"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "user": {
                     *         "id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *         "email": "ada@example.com",
                     *         "name": "Ada Lovelace",
                     *         "created_at": "2026-01-06T10:30:00.000Z",
                     *         "email_verified": true
                     *       },
                     *       "tasks": []
                     *     }
                     */
                    "application/json": components["schemas"]["Export"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    requestPasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "ada@example.com"
                 *     }
                 */
                "application/json": components["schemas"]["PasswordResetRequest"];
            };
        };
        responses: {
            /** @description A mail is sent, if the account exists */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "accepted"
                     *     }
                     */
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token": "eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl",
                 *       "new_password": "battery staple correct horse"
                 *     }
                 */
                "application/json": components["schemas"]["PasswordReset"];
            };
        };
        responses: {
            /** @description The password has changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    confirmEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token": "eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl"
                 *     }
                 */
                "application/json": components["schemas"]["EmailConfirmation"];
            };
        };
        responses: {
            /** @description The email is confirmed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Another account has the email */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    logOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended */
            204: {
                headers: {
                    /** @description `"cache"`: the browser empties its cache */
                    "Clear-Site-Data"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    requestEmailVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A mail is sent */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "accepted"
                     *     }
                     */
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of the session */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The session has ended, or is somebody else's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    listTaskChanges: {
        parameters: {
            query?: {
                /** @description Where to begin: the `next` of a page of changes, or the id of an event */
                since?: string;
                /** @description How many changes at most */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of changes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "changes": [
                     *         {
                     *           "deleted": {
                     *             "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55"
                     *           }
                     *         }
                     *       ],
                     *       "next": "MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw",
                     *       "has_more": false
                     *     }
                     */
                    "application/json": components["schemas"]["ChangesPage"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description `since` is older than the changes that are kept, or from a state that a restored backup has undone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    followTasks: {
        parameters: {
            query?: {
                /** @description Where to begin: the `next` of a page of changes, or the id of an event */
                since?: string;
            };
            header?: {
                /** @description The id of the last event received, as an EventSource sends it when it reconnects; takes precedence over `since` */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example event: ready
                     *     data: {"position":"MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw"}
                     */
                    "text/event-stream": components["schemas"]["EventStreamText"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    listTasks: {
        parameters: {
            query?: {
                /** @description How many tasks at most */
                limit?: number;
                /** @description How many to skip, 0 by default. Not together with `cursor` */
                offset?: number;
                /** @description The `next_cursor` of a page with the same `sort`, filter, dates and `q` */
                cursor?: string;
                /** @description Only tasks that are done, or only open ones */
                is_completed?: boolean;
                /** @description `-created_at` (newest first, the default), `created_at` (oldest first), or `due_date` (soonest first, tasks without one last) */
                sort?: "-created_at" | "created_at" | "due_date";
                /** @description Only tasks due on this day or later, like `2026-12-01` */
                due_after?: string;
                /** @description Only tasks due on this day or earlier, like `2026-12-31` */
                due_before?: string;
                /** @description Words separated by white space; each has to occur in the title or the description, in any case */
                q?: string;
            };
            header?: {
                /** @description The `ETag` of what the client has, like `"42-1767693004000.1"`: if it is still current, the answer is 304 without a body */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tasks */
            200: {
                headers: {
                    /** @description The state of all tasks of the owner, for `If-None-Match` */
                    ETag?: string;
                    /** @description `<…>; rel="next"`: the next page, if there is one (RFC 8288) */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "tasks": [
                     *         {
                     *           "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *           "title": "Buy milk",
                     *           "description": "Two litres",
                     *           "is_completed": false,
                     *           "due_date": "2026-01-09",
                     *           "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *           "created_at": "2026-01-06T10:30:04.000Z",
                     *           "updated_at": "2026-01-06T10:30:04.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TaskPage"];
                };
            };
            /** @description No task of the owner has changed since the page of `If-None-Match` */
            304: {
                headers: {
                    /** @description The state of all tasks of the owner, for `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    createTask: {
        parameters: {
            query?: never;
            header?: {
                /** @description A new text for each task, such as a UUID. A repeated request with the same key gets the first answer again */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "Buy milk",
                 *       "description": "Two litres",
                 *       "due_date": "2026-01-09"
                 *     }
                 */
                "application/json": components["schemas"]["TaskCreate"];
            };
        };
        responses: {
            /** @description The new task */
            201: {
                headers: {
                    /** @description Where the new task is */
                    Location?: string;
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    /** @description `true` if the task was created by an earlier request with the same `Idempotency-Key` */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    getTask: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of what the client has, like `"42-1767693004000.1"`: if it is still current, the answer is 304 without a body */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The task is in the state that `If-None-Match` names */
            304: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    updateTask: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "Buy oat milk",
                 *       "description": null
                 *     }
                 */
                "application/json": components["schemas"]["TaskUpdate"];
            };
        };
        responses: {
            /** @description The task as it is now */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    deleteTask: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    patchTask: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "Buy oat milk",
                 *       "due_date": null
                 *     }
                 */
                "application/json": components["schemas"]["TaskPatch"];
                /**
                 * @example {
                 *       "title": "Buy oat milk",
                 *       "due_date": null
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["TaskPatch"];
            };
        };
        responses: {
            /** @description The task as it is now */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    /** @description The media types that are taken */
                    "Accept-Patch"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    completeTask: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "is_completed": true
                 *     }
                 */
                "application/json": components["schemas"]["TaskCompletion"];
            };
        };
        responses: {
            /** @description The task as it is now */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    /** @description The media types that are taken */
                    "Accept-Patch"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    listTaskChangesOfUser: {
        parameters: {
            query?: {
                /** @description Where to begin: the `next` of a page of changes, or the id of an event */
                since?: string;
                /** @description How many changes at most */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of changes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "changes": [
                     *         {
                     *           "deleted": {
                     *             "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55"
                     *           }
                     *         }
                     *       ],
                     *       "next": "MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw",
                     *       "has_more": false
                     *     }
                     */
                    "application/json": components["schemas"]["ChangesPage"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description `since` is older than the changes that are kept, or from a state that a restored backup has undone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    followTasksOfUser: {
        parameters: {
            query?: {
                /** @description Where to begin: the `next` of a page of changes, or the id of an event */
                since?: string;
            };
            header?: {
                /** @description The id of the last event received, as an EventSource sends it when it reconnects; takes precedence over `since` */
                "Last-Event-ID"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example event: ready
                     *     data: {"position":"MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw"}
                     */
                    "text/event-stream": components["schemas"]["EventStreamText"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    listTasksOfUser: {
        parameters: {
            query?: {
                /** @description How many tasks at most */
                limit?: number;
                /** @description How many to skip, 0 by default. Not together with `cursor` */
                offset?: number;
                /** @description The `next_cursor` of a page with the same `sort`, filter, dates and `q` */
                cursor?: string;
                /** @description Only tasks that are done, or only open ones */
                is_completed?: boolean;
                /** @description `-created_at` (newest first, the default), `created_at` (oldest first), or `due_date` (soonest first, tasks without one last) */
                sort?: "-created_at" | "created_at" | "due_date";
                /** @description Only tasks due on this day or later, like `2026-12-01` */
                due_after?: string;
                /** @description Only tasks due on this day or earlier, like `2026-12-31` */
                due_before?: string;
                /** @description Words separated by white space; each has to occur in the title or the description, in any case */
                q?: string;
            };
            header?: {
                /** @description The `ETag` of what the client has, like `"42-1767693004000.1"`: if it is still current, the answer is 304 without a body */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tasks */
            200: {
                headers: {
                    /** @description The state of all tasks of the owner, for `If-None-Match` */
                    ETag?: string;
                    /** @description `<…>; rel="next"`: the next page, if there is one (RFC 8288) */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "tasks": [
                     *         {
                     *           "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *           "title": "Buy milk",
                     *           "description": "Two litres",
                     *           "is_completed": false,
                     *           "due_date": "2026-01-09",
                     *           "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *           "created_at": "2026-01-06T10:30:04.000Z",
                     *           "updated_at": "2026-01-06T10:30:04.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TaskPage"];
                };
            };
            /** @description No task of the owner has changed since the page of `If-None-Match` */
            304: {
                headers: {
                    /** @description The state of all tasks of the owner, for `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    createTaskOfUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description A new text for each task, such as a UUID. A repeated request with the same key gets the first answer again */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "Buy milk",
                 *       "description": "Two litres",
                 *       "due_date": "2026-01-09"
                 *     }
                 */
                "application/json": components["schemas"]["TaskCreate"];
            };
        };
        responses: {
            /** @description The new task */
            201: {
                headers: {
                    /** @description Where the new task is */
                    Location?: string;
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    /** @description `true` if the task was created by an earlier request with the same `Idempotency-Key` */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    getTaskOfUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of what the client has, like `"42-1767693004000.1"`: if it is still current, the answer is 304 without a body */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The task is in the state that `If-None-Match` names */
            304: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user; The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    updateTaskOfUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "Buy oat milk",
                 *       "description": null
                 *     }
                 */
                "application/json": components["schemas"]["TaskUpdate"];
            };
        };
        responses: {
            /** @description The task as it is now */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user; The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    deleteTaskOfUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user; The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    patchTaskOfUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "Buy oat milk",
                 *       "due_date": null
                 *     }
                 */
                "application/json": components["schemas"]["TaskPatch"];
                /**
                 * @example {
                 *       "title": "Buy oat milk",
                 *       "due_date": null
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["TaskPatch"];
            };
        };
        responses: {
            /** @description The task as it is now */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user; The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    /** @description The media types that are taken */
                    "Accept-Patch"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    completeTaskOfUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner; has to be the subject of the token */
                user_id: string;
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "is_completed": true
                 *     }
                 */
                "application/json": components["schemas"]["TaskCompletion"];
            };
        };
        responses: {
            /** @description The task as it is now */
            200: {
                headers: {
                    /** @description The state of the task, for `If-Match` and `If-None-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55",
                     *       "title": "Buy milk",
                     *       "description": "Two litres",
                     *       "is_completed": false,
                     *       "due_date": "2026-01-09",
                     *       "user_id": "019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01",
                     *       "created_at": "2026-01-06T10:30:04.000Z",
                     *       "updated_at": "2026-01-06T10:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not UTF-8 or not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No valid token */
            401: {
                headers: {
                    /** @description `Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3) */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The `user_id` of the path is not the token's user; The task belongs to another user */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task does not exist, or no longer does */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The task is in another state than `If-Match` names; nothing has changed */
            412: {
                headers: {
                    /** @description The state that the task is in */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is larger than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The body is of a media type that is not taken here */
            415: {
                headers: {
                    /** @description The media types that are taken */
                    "Accept-Patch"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The request breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description A rate limit is exceeded */
            429: {
                headers: {
                    /** @description The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30` */
                    RateLimit?: string;
                    /** @description Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60` */
                    "RateLimit-Policy"?: string;
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A bug of the server; its log has the details under the `X-Request-Id` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process runs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "healthy"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The database answers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ready"
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description The database cannot be reached, or the server is overloaded or stopping */
            503: {
                headers: {
                    /** @description Seconds to wait before the next try */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    getServiceInfo: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Name, version and paths */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "Todo Backend API",
                     *       "version": "1.1.0",
                     *       "docs": "/docs",
                     *       "redoc": "/redoc",
                     *       "openapi": "/openapi.json"
                     *     }
                     */
                    "application/json": components["schemas"]["ServiceInfo"];
                };
            };
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": components["schemas"]["HtmlPage"];
                };
            };
        };
    };
    getRedoc: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": components["schemas"]["HtmlPage"];
                };
            };
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "openapi": "3.1.0",
                     *       "info": {
                     *         "title": "Todo Backend API",
                     *         "version": "1.1.0"
                     *       },
                     *       "paths": {}
                     *     }
                     */
                    "application/json": components["schemas"]["OpenApiDocument"];
                };
            };
        };
    };
}

/** The statuses that each operation can answer, and the members of each success. */
export const answers: Record<string, Record<number, readonly string[]>> = {
  'post /api/auth/signup': { 201: ['id', 'email', 'name', 'created_at', 'email_verified'], 400: [], 409: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/login': { 200: ['access_token', 'token_type', 'expires_in', 'refresh_token', 'refresh_expires_in', 'user'], 400: [], 401: [], 403: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/refresh': { 200: ['access_token', 'token_type', 'expires_in', 'refresh_token', 'refresh_expires_in', 'user'], 400: [], 401: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/auth/sessions': { 200: ['sessions'], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'delete /api/auth/sessions': { 204: [], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/auth/me': { 200: ['id', 'email', 'name', 'created_at', 'email_verified'], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'patch /api/auth/me': { 200: ['id', 'email', 'name', 'created_at', 'email_verified'], 400: [], 401: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'put /api/auth/me/password': { 204: [], 400: [], 401: [], 403: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'put /api/auth/me/email': { 202: ['status'], 400: [], 401: [], 403: [], 409: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/me/delete': { 204: [], 400: [], 401: [], 403: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/auth/me/export': { 200: ['user', 'tasks'], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/password-reset': { 202: ['status'], 400: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/password-reset/confirm': { 204: [], 400: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/email-verification/confirm': { 204: [], 400: [], 409: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/logout': { 204: [], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/auth/email-verification': { 202: ['status'], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'delete /api/auth/sessions/{session_id}': { 204: [], 401: [], 404: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/tasks/changes': { 200: ['changes', 'next', 'has_more'], 401: [], 410: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/tasks/events': { 200: [], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/tasks': { 200: ['tasks', 'limit', 'next_cursor'], 401: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/tasks': { 201: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/tasks/{task_id}': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 401: [], 403: [], 404: [], 422: [], 429: [], 500: [], 503: [] },
  'put /api/tasks/{task_id}': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 404: [], 412: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'patch /api/tasks/{task_id}': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 404: [], 412: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'delete /api/tasks/{task_id}': { 204: [], 401: [], 403: [], 404: [], 412: [], 422: [], 429: [], 500: [], 503: [] },
  'patch /api/tasks/{task_id}/complete': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 404: [], 412: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/{user_id}/tasks/changes': { 200: ['changes', 'next', 'has_more'], 401: [], 403: [], 410: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/{user_id}/tasks/events': { 200: [], 401: [], 403: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/{user_id}/tasks': { 200: ['tasks', 'limit', 'next_cursor'], 401: [], 403: [], 422: [], 429: [], 500: [], 503: [] },
  'post /api/{user_id}/tasks': { 201: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'get /api/{user_id}/tasks/{task_id}': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 401: [], 403: [], 404: [], 422: [], 429: [], 500: [], 503: [] },
  'put /api/{user_id}/tasks/{task_id}': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 404: [], 412: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'patch /api/{user_id}/tasks/{task_id}': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 404: [], 412: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'delete /api/{user_id}/tasks/{task_id}': { 204: [], 401: [], 403: [], 404: [], 412: [], 422: [], 429: [], 500: [], 503: [] },
  'patch /api/{user_id}/tasks/{task_id}/complete': { 200: ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'], 400: [], 401: [], 403: [], 404: [], 412: [], 413: [], 415: [], 422: [], 429: [], 500: [], 503: [] },
  'get /health': { 200: ['status'] },
  'get /ready': { 200: ['status'], 503: [] },
  'get /': { 200: ['name', 'version', 'docs', 'redoc', 'openapi'] },
  'get /docs': { 200: [] },
  'get /redoc': { 200: [] },
  'get /openapi.json': { 200: ['openapi', 'info', 'paths'] }
}
