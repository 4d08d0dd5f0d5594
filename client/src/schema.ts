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
         * @description Creates an account. The password is kept as an Argon2id hash and never returned. A mail asks to confirm the email.
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
         * @description Begins a session and returns its tokens. An unknown email and a wrong password are the same answer after the same time.
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
         * @description Returns new tokens, of which the refresh token replaces the one that was sent. To send that one again is safe while it is the last one: a client that lost the answer gets the same refresh token once more. An older one ends the session.
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
         * Where am I logged in
         * @description The sessions that have not ended, last used first.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * Log out everywhere
         * @description Ends all of the user's sessions, or all others.
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
         * Who am I
         * @description The token's user.
         */
        get: operations["getMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change my name
         * @description Changes what is shown of the account.
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
         * @description Sets another password. Every other session ends.
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
         * @description Sends a link to the new address. It counts when the link has been used, and then the old address is told.
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
         * @description Removes the account with all its tasks, for good. All its tokens are 401 from then on.
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
         * @description The account with all its tasks, oldest first, as a file. It is read page by page: what changes meanwhile may be in it or not.
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
         * Forget my password
         * @description Sends a link to a new password. Answer and time are the same whether there is such an account or not.
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
         * Set a new password by mail
         * @description Sets the password by the token of a mail, once. Every session ends, and the email counts as verified.
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
         * @description Confirms an email by the token of a mail. A new one takes effect now. The second time is as good as the first.
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
         * @description Ends the session: neither its refresh token nor its access tokens are good any more. A body is ignored.
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
         * @description Sends it once more; nothing when the email is verified already. A body is ignored.
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
         * Log out somewhere else
         * @description Ends one of the user's sessions.
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
         * List what has changed
         * @description Without `since` it walks through all tasks, oldest first, and goes on with what has changed meanwhile. Pass `next` back as `since`, also after the last page: whoever applies all pages has exactly the tasks of the server.
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
         * Follow what changes
         * @description A stream of events, after `Last-Event-ID` or `since`, or from now on: `ready`, then `task` and `deleted`, each with an id that is good as `since`. `reset` says that the position has expired: fetch anew. `unauthenticated` comes last, when the token expires or its session ends. The stream does not end by itself, so that *Try it out* has nothing to show: use `curl -N`.
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
         * @description Newest first, or as `sort` says. Page by `offset`, with the exact total, or by `cursor`, at the same cost however deep. With the `ETag` of a page as `If-None-Match` the answer is 304 as long as no task has changed.
         */
        get: operations["listTasks"];
        put?: never;
        /**
         * Create a task
         * @description The new task is open and belongs to the token's user. With an `Idempotency-Key` the request can be sent again after a lost answer: there will be one task.
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
         * @description Title and description, as a whole: without a description it becomes null. Whether it is done stays, and so does a due date that is not given.
         */
        put: operations["updateTask"];
        post?: never;
        /**
         * Delete a task
         * @description For good.
         */
        delete: operations["deleteTask"];
        options?: never;
        head?: never;
        /**
         * Change some of a task
         * @description What is absent stays, null clears (RFC 7396).
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
         * @description Sets what the body says; without a body it toggles.
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
         * List what has changed
         * @description Without `since` it walks through all tasks, oldest first, and goes on with what has changed meanwhile. Pass `next` back as `since`, also after the last page: whoever applies all pages has exactly the tasks of the server.
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
         * Follow what changes
         * @description A stream of events, after `Last-Event-ID` or `since`, or from now on: `ready`, then `task` and `deleted`, each with an id that is good as `since`. `reset` says that the position has expired: fetch anew. `unauthenticated` comes last, when the token expires or its session ends. The stream does not end by itself, so that *Try it out* has nothing to show: use `curl -N`.
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
         * @description Newest first, or as `sort` says. Page by `offset`, with the exact total, or by `cursor`, at the same cost however deep. With the `ETag` of a page as `If-None-Match` the answer is 304 as long as no task has changed.
         */
        get: operations["listTasksOfUser"];
        put?: never;
        /**
         * Create a task
         * @description The new task is open and belongs to the token's user. With an `Idempotency-Key` the request can be sent again after a lost answer: there will be one task.
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
         * @description Title and description, as a whole: without a description it becomes null. Whether it is done stays, and so does a due date that is not given.
         */
        put: operations["updateTaskOfUser"];
        post?: never;
        /**
         * Delete a task
         * @description For good.
         */
        delete: operations["deleteTaskOfUser"];
        options?: never;
        head?: never;
        /**
         * Change some of a task
         * @description What is absent stays, null clears (RFC 7396).
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
         * @description Sets what the body says; without a body it toggles.
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
         * @description Answers while the process lives. It does not ask the database.
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
         * @description Answers 200 when the database answers and the server is not about to stop, 503 otherwise.
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
         * What this is
         * @description Name, version, and where the documents are.
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
         * @description This contract, for programs.
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
            /** @description Whether a link that was mailed to the email has been used */
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
             * @description ASCII `local@domain.tld`; surrounding white space and case do not count
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
             * @description ASCII `local@domain.tld`; surrounding white space and case do not count
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
         * @description Tokens, and their user
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
            /** @description Good once, for new tokens: `POST /api/auth/refresh` */
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
         * @description A login somewhere
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
             * @description When somebody logged in
             * @example 2026-01-06T10:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description The login, or the last time it was renewed
             * @example 2026-01-06T10:30:00.000Z
             */
            last_used_at: string;
            /**
             * Format: date-time
             * @description When it ends, unless it is renewed
             * @example 2026-01-06T10:30:00.000Z
             */
            expires_at: string;
            /** @description The `User-Agent` of the login */
            user_agent: string | null;
            /** @description Whether the request belongs to it */
            is_current: boolean;
        };
        /**
         * @description Where somebody is logged in, last used first
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
             * @description ASCII `local@domain.tld`; surrounding white space and case do not count
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
             * @description ASCII `local@domain.tld`; surrounding white space and case do not count
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
         * @description A mail goes out, if there is somebody to write to
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
            /** @description Whether it is done */
            is_completed: boolean;
            /**
             * Format: date
             * @description The day on which it is due, or null: a day, so that no time zone moves it
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
             * @description The last PUT or PATCH; never goes back
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
             * @description The day on which it is due, or null: a day, so that no time zone moves it
             * @example 2026-01-09
             */
            due_date?: string | null;
        };
        /**
         * @description The whole new content: without a description it becomes null. A due date that is absent stays
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
             * @description The day on which it is due, or null: a day, so that no time zone moves it
             * @example 2026-01-09
             */
            due_date?: string | null;
        };
        /**
         * @description What changes: what is absent stays, and null clears
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
             * @description The day on which it is due, or null: a day, so that no time zone moves it
             * @example 2026-01-09
             */
            due_date?: string | null;
            /** @description Whether it is done */
            is_completed?: boolean;
        };
        /**
         * @description Done or not done
         * @example {
         *       "is_completed": true
         *     }
         */
        TaskCompletion: {
            /** @description Whether it is done */
            is_completed: boolean;
        };
        /**
         * @description Some of the tasks, in the order that was asked for
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
            /** @description How many tasks there are (of the filter); offset pages only */
            total?: number;
            /** @default 50 */
            limit: number;
            /**
             * Format: int64
             * @description How many were skipped; offset pages only
             */
            offset?: number;
            /** @description Pass it back as `cursor` for the next page; null on the last one */
            next_cursor: string | null;
        };
        /**
         * @description The present state of a task, or the id of one that is gone
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
         * @description What has changed, in order; a page may have fewer than `limit` changes, even none, and more may follow
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
            /** @description Where the next page begins, also after the last one: opaque */
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
            /** @description What happened, as a constant text */
            detail: string;
            /** @description The HTTP status, again */
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
            /** @description Where: `body`, `query` or `path`, then the names down to the value */
            loc: string[];
            /** @description The rule, for a person */
            msg: string;
            /** @description The rule, for a program */
            type: string;
        };
        /**
         * @description The process lives
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
         * @description What this service is
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
            /** @description The tokens, and whose they are */
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
            /** @description A login before the email is confirmed, where the server wants that */
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
                /** @description Whether the session that asks goes on */
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
            /** @description A mail goes out */
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
                    /** @description `"cache"`: a browser forgets what it has kept */
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
            /** @description A mail goes out, if there is such an account */
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
                    /** @description `"cache"`: a browser forgets what it has kept */
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
            /** @description A mail goes out */
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
                /** @description Changes of a page at most */
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
            /** @description `since` is older than what is remembered, or of a state that a restored backup has undone */
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
                /** @description The id of the last event that came, as an EventSource sends it when it comes again: counts more than `since` */
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
                /** @description How many to skip; 0 when absent. Not together with `cursor` */
                offset?: number;
                /** @description The `next_cursor` of a page with the same `sort`, filter, dates and `q` */
                cursor?: string;
                /** @description Only the done, or only the open ones */
                is_completed?: boolean;
                /** @description `-created_at`, newest first, when absent; `created_at`, oldest first; `due_date`, soonest first, tasks without one last */
                sort?: "-created_at" | "created_at" | "due_date";
                /** @description Only those due on this day or later, like `2026-12-01` */
                due_after?: string;
                /** @description Only those due on this day or earlier, like `2026-12-31` */
                due_before?: string;
                /** @description Words with white space between: each has to be somewhere in the title or the description, in any case */
                q?: string;
            };
            header?: {
                /** @description The `ETag` of what is already there, like `"42-1767693004000.1"`: if it is that still, the answer is 304 without a body */
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
                    /** @description The state of all tasks of the owner: for `If-None-Match` */
                    ETag?: string;
                    /** @description `<…>; rel="next"`: the next page, where there is one (RFC 8288) */
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
                    /** @description The state of all tasks of the owner: for `If-None-Match` */
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
                /** @description A new text for each task, such as a UUID. Who sends a request again with the same key gets the first answer again */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
                    ETag?: string;
                    /** @description `true` when the task was created before, with the same `Idempotency-Key` */
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
                /** @description The `ETag` of what is already there, like `"42-1767693004000.1"`: if it is that still, the answer is 304 without a body */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description It is as `If-None-Match` says */
            304: {
                headers: {
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
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
            /** @description It is gone */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Changes of a page at most */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The owner: has to be the token's subject */
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
            /** @description `since` is older than what is remembered, or of a state that a restored backup has undone */
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
                /** @description The id of the last event that came, as an EventSource sends it when it comes again: counts more than `since` */
                "Last-Event-ID"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
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
                /** @description How many to skip; 0 when absent. Not together with `cursor` */
                offset?: number;
                /** @description The `next_cursor` of a page with the same `sort`, filter, dates and `q` */
                cursor?: string;
                /** @description Only the done, or only the open ones */
                is_completed?: boolean;
                /** @description `-created_at`, newest first, when absent; `created_at`, oldest first; `due_date`, soonest first, tasks without one last */
                sort?: "-created_at" | "created_at" | "due_date";
                /** @description Only those due on this day or later, like `2026-12-01` */
                due_after?: string;
                /** @description Only those due on this day or earlier, like `2026-12-31` */
                due_before?: string;
                /** @description Words with white space between: each has to be somewhere in the title or the description, in any case */
                q?: string;
            };
            header?: {
                /** @description The `ETag` of what is already there, like `"42-1767693004000.1"`: if it is that still, the answer is 304 without a body */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tasks */
            200: {
                headers: {
                    /** @description The state of all tasks of the owner: for `If-None-Match` */
                    ETag?: string;
                    /** @description `<…>; rel="next"`: the next page, where there is one (RFC 8288) */
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
                    /** @description The state of all tasks of the owner: for `If-None-Match` */
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
                /** @description A new text for each task, such as a UUID. Who sends a request again with the same key gets the first answer again */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
                    ETag?: string;
                    /** @description `true` when the task was created before, with the same `Idempotency-Key` */
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
                /** @description The `ETag` of what is already there, like `"42-1767693004000.1"`: if it is that still, the answer is 304 without a body */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description It is as `If-None-Match` says */
            304: {
                headers: {
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
                user_id: string;
                /** @description The task */
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
                /** @description Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description The owner: has to be the token's subject */
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
                    /** @description The state of the task: for `If-Match`, `If-None-Match` */
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
            /** @description The task does not exist, or no longer */
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
            /** @description The process lives */
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
            /** @description Name, version, documents */
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
