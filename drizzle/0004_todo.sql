-- Generated; by hand: the schema, which is there already, as the list of migrations is in it; IF NOT EXISTS for what 1.0 has left;
-- no DROP of its tables; COLLATE, WITH, and what is marked below.
CREATE TABLE "todo"."compatibility" (
	"generation" integer PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE "todo"."idempotency_keys" (
	"owner_id" uuid NOT NULL,
	"key" varchar(255) COLLATE "C" NOT NULL,
	"body_hash" "bytea" NOT NULL,
	"task_id" uuid NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"revision" bigint NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("owner_id","key")
);
--> statement-breakpoint
CREATE TABLE "todo"."task_changes" (
	"owner_id" uuid NOT NULL,
	"revision" bigint NOT NULL,
	"task_id" uuid,
	"changed_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "task_changes_pkey" PRIMARY KEY("owner_id","revision")
);
--> statement-breakpoint
CREATE TABLE "todo"."task_lists" (
	"owner_id" uuid PRIMARY KEY NOT NULL,
	"revision" bigint DEFAULT 0 NOT NULL,
	"changed_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"open" integer DEFAULT 0 NOT NULL,
	"done" integer DEFAULT 0 NOT NULL
) WITH (fillfactor = 50);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "todo"."tasks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner_id" uuid NOT NULL,
	"title" varchar(200) NOT NULL,
	"description" varchar(2000),
	"is_completed" boolean DEFAULT false NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"revision" bigint DEFAULT 0 NOT NULL,
	"due_date" date,
	"search" text GENERATED ALWAYS AS (replace(lower(case
  when octet_length((title || ' ' || coalesce(description, ''))) = char_length((title || ' ' || coalesce(description, ''))) or (title || ' ' || coalesce(description, '')) is nfkc normalized then (title || ' ' || coalesce(description, ''))
  else normalize((title || ' ' || coalesce(description, '')), NFKC) end collate "und-x-icu"), 'ς', 'σ')) STORED,
	CONSTRAINT "tasks_title_length" CHECK (char_length("todo"."tasks"."title") >= 1)
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "todo"."users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" varchar(255) NOT NULL,
	"name" varchar(100) NOT NULL,
	"password_hash" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_email_key" UNIQUE("email"),
	CONSTRAINT "users_email_lower_case" CHECK ("todo"."users"."email" = lower("todo"."users"."email")),
	CONSTRAINT "users_name_length" CHECK (char_length("todo"."users"."name") >= 1)
);
--> statement-breakpoint
-- By hand, to the end of this part: what the tasks of 1.0 lack, in one rewrite of the table; the list of each owner, counted; and
-- row 0 of its journal. Its time is that of the migration: a backup that is migrated once more shares no state with this.
ALTER TABLE "todo"."tasks"
	ADD COLUMN IF NOT EXISTS "revision" bigint DEFAULT 0 NOT NULL,
	ADD COLUMN IF NOT EXISTS "due_date" date,
	ADD COLUMN IF NOT EXISTS "search" text GENERATED ALWAYS AS (replace(lower(case
  when octet_length((title || ' ' || coalesce(description, ''))) = char_length((title || ' ' || coalesce(description, ''))) or (title || ' ' || coalesce(description, '')) is nfkc normalized then (title || ' ' || coalesce(description, ''))
  else normalize((title || ' ' || coalesce(description, '')), NFKC) end collate "und-x-icu"), 'ς', 'σ')) STORED;
--> statement-breakpoint
INSERT INTO "todo"."task_lists" ("owner_id", "open", "done")
SELECT "users"."id", coalesce("open", 0), coalesce("done", 0) FROM "todo"."users" LEFT JOIN (
	SELECT "owner_id", count(*) FILTER (WHERE NOT "is_completed") AS "open", count(*) FILTER (WHERE "is_completed") AS "done"
	FROM "todo"."tasks" GROUP BY "owner_id"
) AS "counted" ON "counted"."owner_id" = "users"."id";
--> statement-breakpoint
INSERT INTO "todo"."task_changes" ("owner_id", "revision", "changed_at") SELECT "owner_id", "revision", "changed_at" FROM "todo"."task_lists";
--> statement-breakpoint
INSERT INTO "todo"."compatibility" ("generation") VALUES (1);
--> statement-breakpoint
-- What is generated again.
ALTER TABLE "todo"."idempotency_keys" ADD CONSTRAINT "idempotency_keys_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "todo"."task_lists"("owner_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "todo"."task_changes" ADD CONSTRAINT "task_changes_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "todo"."task_lists"("owner_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "todo"."task_lists" ADD CONSTRAINT "task_lists_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "todo"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "todo"."tasks" ADD CONSTRAINT "tasks_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "todo"."task_lists"("owner_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "idempotency_keys_created_at" ON "todo"."idempotency_keys" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "task_changes_changed_at" ON "todo"."task_changes" USING brin ("changed_at");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "tasks_owner_created" ON "todo"."tasks" USING btree ("owner_id","created_at","id");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "tasks_owner_completed_created" ON "todo"."tasks" USING btree ("owner_id","is_completed","created_at","id");--> statement-breakpoint
CREATE INDEX "tasks_owner_due" ON "todo"."tasks" USING btree ("owner_id",(coalesce(due_date, 'infinity'::date)),"id");--> statement-breakpoint
-- By hand: a planner that knows nothing of the new tables takes the wrong way until autovacuum has come by.
ANALYZE "todo"."tasks", "todo"."task_lists", "todo"."task_changes";
