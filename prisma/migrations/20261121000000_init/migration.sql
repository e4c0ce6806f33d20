-- Clerk's users. `email_withheld` holds the address that Clerk has and the row cannot have where an application makes
-- e-mails unique (EMAIL_UNIQUENESS). Ids are compared byte by byte, as Clerk's own cursor compares them, whatever the database's collation.
CREATE TABLE "users" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "email" TEXT,
    "email_withheld" TEXT,
    "email_verified" BOOLEAN NOT NULL DEFAULT false,
    "phone" TEXT,
    "username" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "name" TEXT,
    "avatar_url" TEXT,
    "external_id" TEXT,
    "banned" BOOLEAN NOT NULL DEFAULT false,
    "locked" BOOLEAN NOT NULL DEFAULT false,
    "deprovisioned" BOOLEAN NOT NULL DEFAULT false,
    "public_metadata" JSONB NOT NULL DEFAULT '{}',
    "raw" JSONB NOT NULL DEFAULT '{}',
    "last_sign_in_at" TIMESTAMPTZ(3),
    "clerk_created_at" TIMESTAMPTZ(3),
    "clerk_updated_at" TIMESTAMPTZ(3) NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,
    "observed_via" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "synced_at" TIMESTAMPTZ(3) NOT NULL,
    "synced_by" TEXT NOT NULL,
    "last_outcome" TEXT NOT NULL,
    "last_changed_fields" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "revision" INTEGER NOT NULL DEFAULT 1,
    "deleted_at" TIMESTAMPTZ(3),
    "restored_at" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("clerk_id")
);

CREATE TABLE "user_changes" (
    "id" BIGSERIAL NOT NULL,
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "revision" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "writer" TEXT NOT NULL,
    "clerk_updated_at" TIMESTAMPTZ(3) NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,
    "changed_fields" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "drift" TEXT,
    "drift_since" TIMESTAMPTZ(3),

    CONSTRAINT "user_changes_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "sync_failures" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "code" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "workflow_id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "failures" INTEGER NOT NULL DEFAULT 1,
    "first_failed_at" TIMESTAMPTZ(3) NOT NULL,
    "last_failed_at" TIMESTAMPTZ(3) NOT NULL,
    "resolved_at" TIMESTAMPTZ(3),

    CONSTRAINT "sync_failures_pkey" PRIMARY KEY ("clerk_id")
);

CREATE TABLE "reconcile_runs" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "pages" INTEGER NOT NULL DEFAULT 0,
    "seen" INTEGER NOT NULL DEFAULT 0,
    "created" INTEGER NOT NULL DEFAULT 0,
    "updated" INTEGER NOT NULL DEFAULT 0,
    "unchanged" INTEGER NOT NULL DEFAULT 0,
    "stale" INTEGER NOT NULL DEFAULT 0,
    "restored" INTEGER NOT NULL DEFAULT 0,
    "deleted" INTEGER NOT NULL DEFAULT 0,
    "phantoms" INTEGER NOT NULL DEFAULT 0,
    "withheld" INTEGER NOT NULL DEFAULT 0,
    "unasked" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "clerk_requests" INTEGER NOT NULL DEFAULT 0,
    "windows" INTEGER NOT NULL DEFAULT 1,
    "clerk_users" INTEGER,
    "live_rows" INTEGER,
    "webhooks" TEXT,
    "to_erase" INTEGER,
    "problems" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "clock_ahead_seconds" DOUBLE PRECISION,
    "changes_known_up_to" TIMESTAMPTZ(3),

    CONSTRAINT "reconcile_runs_pkey" PRIMARY KEY ("id")
);

-- Live rows that a sweep did not find listed: Clerk is asked about each by id before anything is deleted.
CREATE TABLE "deletion_candidates" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "run_id" TEXT NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL,
    "gone_at" TIMESTAMPTZ(3),
    "rejected_at" TIMESTAMPTZ(3),
    "withheld_over" INTEGER,

    CONSTRAINT "deletion_candidates_pkey" PRIMARY KEY ("clerk_id")
);

-- What is kept of a deleted user whose row was erased, so that a late webhook cannot bring the user back.
CREATE TABLE "user_tombstones" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "deleted_at" TIMESTAMPTZ(3) NOT NULL,
    "restored_at" TIMESTAMPTZ(3),
    "revision" INTEGER NOT NULL,
    "erased_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "user_tombstones_pkey" PRIMARY KEY ("clerk_id")
);

-- The one Clerk instance whose users the table holds.
CREATE TABLE "synced_instance" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "instance_id" TEXT NOT NULL,
    "adopted_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "synced_instance_pkey" PRIMARY KEY ("id")
);

-- One row once an application has hooks: from then on, changes are noted for them.
CREATE TABLE "hooks_switch" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "on_since" TIMESTAMPTZ(3) NOT NULL,
    "skip_existing" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "hooks_switch_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "pending_hooks" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "change_id" BIGINT NOT NULL,
    "offered_at" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failed_at" TIMESTAMPTZ(3),
    "failure" TEXT,

    CONSTRAINT "pending_hooks_pkey" PRIMARY KEY ("clerk_id", "change_id")
);

-- A sweep looks up live users between two places in the order of creation, and every reconcile counts them.
CREATE INDEX "users_by_creation" ON "users"("clerk_created_at", "clerk_id") WHERE "deleted_at" IS NULL;
CREATE INDEX "users_by_email" ON "users"("email");
CREATE INDEX "user_changes_by_user" ON "user_changes"("clerk_id", "revision");
CREATE INDEX "reconcile_runs_by_start" ON "reconcile_runs"("started_at");
-- Whether webhooks arrive, and whether the number of users may have changed, is read from the changes of the last minutes.
CREATE INDEX "user_changes_by_time" ON "user_changes"("changed_at");
-- What the reconciles of the last day deleted counts against their limit.
CREATE INDEX "user_changes_deletions" ON "user_changes"("changed_at") WHERE "kind" = 'deleted';
-- The tombstones that are still to be erased. Those that were have no hash any more. A holdback counts from the last write.
CREATE INDEX "users_to_erase" ON "users"("content_hash", "synced_at") WHERE "deleted_at" IS NOT NULL;
-- The few who wait for their address are looked for at the end of every reconcile.
CREATE INDEX "users_with_withheld_email" ON "users"("clerk_id") WHERE "email_withheld" IS NOT NULL;
CREATE INDEX "pending_hooks_by_offer" ON "pending_hooks"("offered_at", "change_id");

-- A content hash speaks for its row only while nobody else has written the row. The mark makes the next sweep compare and
-- repair it. An empty hash would say that the row was anonymised. An address that moves between the two e-mail columns was
-- moved by this service. The creation time is watched too: by it a sweep knows where a row belongs.
CREATE FUNCTION "users_edited_by_others"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.content_hash := 'edited';
    RETURN NEW;
END
$$;

CREATE TRIGGER "users_edited_by_others" BEFORE UPDATE ON "users" FOR EACH ROW
WHEN (
    OLD.content_hash = NEW.content_hash AND NEW.deleted_at IS NULL
    AND (OLD.email_verified, OLD.phone, OLD.username, OLD.first_name, OLD.last_name, OLD.name, OLD.avatar_url,
         OLD.external_id, OLD.banned, OLD.deprovisioned, OLD.public_metadata, OLD.clerk_created_at,
         CASE WHEN OLD.email_withheld IS NOT DISTINCT FROM NEW.email_withheld THEN OLD.email END)
        IS DISTINCT FROM
        (NEW.email_verified, NEW.phone, NEW.username, NEW.first_name, NEW.last_name, NEW.name, NEW.avatar_url,
         NEW.external_id, NEW.banned, NEW.deprovisioned, NEW.public_metadata, NEW.clerk_created_at,
         CASE WHEN OLD.email_withheld IS NOT DISTINCT FROM NEW.email_withheld THEN NEW.email END)
)
EXECUTE FUNCTION "users_edited_by_others"();

-- In the transaction of the change itself: a change that commits late is noted late, and none is missed, as one would be
-- by a cursor over ids.
CREATE FUNCTION "note_pending_hooks"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    switch hooks_switch;
BEGIN
    SELECT * INTO switch FROM hooks_switch;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF switch.skip_existing AND NOT EXISTS (
        SELECT FROM reconcile_runs WHERE kind = 'sweep' AND status = 'completed' AND started_at > switch.on_since
    ) THEN
        INSERT INTO pending_hooks (clerk_id, change_id) SELECT clerk_id, id FROM changes
        WHERE NOT (kind = 'created' AND writer = 'reconcile' AND EXISTS (
            SELECT FROM users WHERE users.clerk_id = changes.clerk_id AND clerk_created_at < switch.on_since
        ));
    ELSE
        INSERT INTO pending_hooks (clerk_id, change_id) SELECT clerk_id, id FROM changes;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER "note_pending_hooks" AFTER INSERT ON "user_changes" REFERENCING NEW TABLE AS changes
FOR EACH STATEMENT EXECUTE FUNCTION "note_pending_hooks"();
