-- A statement about many tasks changes each count once. Owners are in order, so that no two statements wait for each other.
CREATE FUNCTION "public"."count_tasks"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	"sign" integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
	IF TG_OP = 'UPDATE' THEN
		INSERT INTO "public"."task_counts" AS "kept" ("owner_id", "slot", "open", "done")
		SELECT "owner_id", pg_backend_pid() % 8,
			coalesce(sum("n") FILTER (WHERE NOT "is_completed"), 0), coalesce(sum("n") FILTER (WHERE "is_completed"), 0)
		FROM (
			SELECT "owner_id", "is_completed", 1 AS "n" FROM "added" UNION ALL SELECT "owner_id", "is_completed", -1 FROM "removed"
		) AS "change"
		GROUP BY "owner_id"
		HAVING sum("n") FILTER (WHERE NOT "is_completed") <> 0 OR sum("n") FILTER (WHERE "is_completed") <> 0
		ORDER BY "owner_id"
		ON CONFLICT ("owner_id", "slot") DO UPDATE SET "open" = "kept"."open" + excluded."open", "done" = "kept"."done" + excluded."done";
	ELSE
		INSERT INTO "public"."task_counts" AS "kept" ("owner_id", "slot", "open", "done")
		SELECT "owner_id", pg_backend_pid() % 8,
			"sign" * count(*) FILTER (WHERE NOT "is_completed"), "sign" * count(*) FILTER (WHERE "is_completed")
		FROM "changed"
		-- Not for the cascade from an owner, which gets here when the owner's counts have gone.
		WHERE EXISTS (SELECT FROM "public"."users" WHERE "users"."id" = "changed"."owner_id")
		GROUP BY "owner_id"
		ORDER BY "owner_id"
		ON CONFLICT ("owner_id", "slot") DO UPDATE SET "open" = "kept"."open" + excluded."open", "done" = "kept"."done" + excluded."done";
	END IF;
	RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION "public"."forget_task_counts"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		DELETE FROM "public"."task_counts";
	ELSE
		DELETE FROM "public"."task_counts" WHERE "owner_id" = OLD."id";
	END IF;
	RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "tasks_added" AFTER INSERT ON "public"."tasks" REFERENCING NEW TABLE AS "changed" FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_tasks"();
--> statement-breakpoint
CREATE TRIGGER "tasks_removed" AFTER DELETE ON "public"."tasks" REFERENCING OLD TABLE AS "changed" FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_tasks"();
--> statement-breakpoint
CREATE TRIGGER "tasks_changed" AFTER UPDATE ON "public"."tasks" REFERENCING OLD TABLE AS "removed" NEW TABLE AS "added" FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_tasks"();
--> statement-breakpoint
CREATE TRIGGER "tasks_truncated" AFTER TRUNCATE ON "public"."tasks" FOR EACH STATEMENT EXECUTE FUNCTION "public"."forget_task_counts"();
--> statement-breakpoint
CREATE TRIGGER "users_removed" AFTER DELETE ON "public"."users" FOR EACH ROW EXECUTE FUNCTION "public"."forget_task_counts"();
--> statement-breakpoint
-- The triggers wait for whoever writes, and keep others from it until all is committed.
INSERT INTO "public"."task_counts" ("owner_id", "slot", "open", "done")
SELECT "owner_id", 0, count(*) FILTER (WHERE NOT "is_completed"), count(*) FILTER (WHERE "is_completed") FROM "public"."tasks" GROUP BY "owner_id";
