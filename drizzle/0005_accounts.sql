CREATE TABLE "todo"."endings" (
	"session_id" uuid PRIMARY KEY NOT NULL,
	"ended_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "todo"."sessions" (
	"owner_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"user_agent" varchar(200),
	"password_version" integer NOT NULL,
	CONSTRAINT "sessions_pkey" PRIMARY KEY("owner_id","id")
);
--> statement-breakpoint
ALTER TABLE "todo"."users" ADD COLUMN "password_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "todo"."users" ADD COLUMN "email_verified" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "todo"."sessions" ADD CONSTRAINT "sessions_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "todo"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "endings_ended_at" ON "todo"."endings" USING btree ("ended_at");