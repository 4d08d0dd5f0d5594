-- Spreads the tables of a migrated database over the workers of Citus, by owner (docs/scaling.md): npm run db:distribute.
-- Stop the servers first. It can be run again: what is done is left alone.
\set ON_ERROR_STOP on
set client_min_messages = warning;

-- One transaction: whoever looks meanwhile sees all of it or nothing.
begin;
set local citus.multi_shard_modify_mode = sequential;
select pg_advisory_xact_lock(x'746f646f31'::bigint);

do $$
declare
  part text;
begin
  if not exists (select from pg_extension where extname = 'citus') then
    raise exception 'no extension citus in this database: create extension citus, on the workers too';
  end if;
  if to_regclass('todo.tasks') is null then
    raise exception 'no tables in the schema todo: npm run db:migrate comes first';
  end if;

  -- The key of what is distributed has the owner in it; an id alone is found by an index.
  if (select array_length(conkey, 1) from pg_constraint where conname = 'tasks_pkey' and conrelid = 'todo.tasks'::regclass) = 1 then
    alter table todo.tasks drop constraint tasks_pkey, add primary key (owner_id, id);
  end if;
  create index if not exists tasks_id on todo.tasks (id);

  foreach part in array array['users', 'endings', 'compatibility'] loop
    if not exists (select from pg_dist_partition where logicalrelid = ('todo.' || part)::regclass) then
      -- A key to a table that is moved later would stand in the way.
      if part = 'users' then
        alter table todo.task_changes drop constraint if exists task_changes_owner_id_fkey;
        alter table todo.tasks drop constraint if exists tasks_owner_id_fkey;
        alter table todo.idempotency_keys drop constraint if exists idempotency_keys_owner_id_fkey;
      end if;
      perform create_reference_table(('todo.' || part)::regclass);
    end if;
  end loop;

  foreach part in array array['task_lists', 'task_changes', 'tasks', 'idempotency_keys', 'sessions'] loop
    if not exists (select from pg_dist_partition where logicalrelid = ('todo.' || part)::regclass and partmethod = 'h') then
      perform create_distributed_table(('todo.' || part)::regclass, 'owner_id',
        colocate_with => case when part = 'task_lists' then 'default' else 'todo.task_lists' end);
    end if;
  end loop;

  foreach part in array array['task_changes', 'tasks', 'idempotency_keys'] loop
    if not exists (select from pg_constraint where conrelid = ('todo.' || part)::regclass and conname = part || '_owner_id_fkey') then
      execute format('alter table todo.%I add constraint %I foreign key (owner_id) references todo.task_lists (owner_id) on delete cascade',
        part, part || '_owner_id_fkey');
    end if;
  end loop;
end $$;
commit;

select logicalrelid as "table", case partmethod when 'h' then 'by owner' else 'on every worker' end as "where"
from pg_dist_partition where logicalrelid in (select oid from pg_class where relnamespace = 'todo'::regnamespace)
order by 2, 1;
