CREATE TABLE "task_counts" (
	"owner_id" uuid NOT NULL,
	"slot" smallint NOT NULL,
	"open" integer NOT NULL,
	"done" integer NOT NULL,
	CONSTRAINT "task_counts_owner_id_slot_pk" PRIMARY KEY("owner_id","slot")
);
