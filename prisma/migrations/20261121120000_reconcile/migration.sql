-- Candidates take the place of gone users: the pages find them, and they are asked about once the sweep is through.
DROP TABLE "gone_users";

CREATE TABLE "deletion_candidates" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "run_id" TEXT NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL,
    "gone_at" TIMESTAMPTZ(3),
    "rejected_at" TIMESTAMPTZ(3),

    CONSTRAINT "deletion_candidates_pkey" PRIMARY KEY ("clerk_id")
);

CREATE TABLE "user_tombstones" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "deleted_at" TIMESTAMPTZ(3) NOT NULL,
    "restored_at" TIMESTAMPTZ(3),
    "revision" INTEGER NOT NULL,
    "erased_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "user_tombstones_pkey" PRIMARY KEY ("clerk_id")
);

-- The tombstones that are still to be erased. Those that were have no hash any more.
CREATE INDEX "users_to_erase" ON "users"("content_hash", "deleted_at") WHERE "deleted_at" IS NOT NULL;

CREATE TABLE "synced_instance" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "instance_id" TEXT NOT NULL,
    "adopted_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "synced_instance_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "user_changes"
    ADD COLUMN "drift" TEXT,
    ADD COLUMN "drift_since" TIMESTAMPTZ(3);

-- Whether webhooks arrive, and whether the number of users may have changed, is read from the changes of the last minutes.
CREATE INDEX "user_changes_by_time" ON "user_changes"("changed_at");

ALTER TABLE "reconcile_runs"
    ADD COLUMN "phantoms" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "windows" INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN "clerk_users" INTEGER,
    ADD COLUMN "live_rows" INTEGER,
    ADD COLUMN "webhooks" TEXT;

-- A hash speaks for its row only as long as nobody else has written the row: emptied, it makes the next sweep compare
-- and repair.
CREATE FUNCTION "users_edited_by_others"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.content_hash := '';
    RETURN NEW;
END
$$;

CREATE TRIGGER "users_edited_by_others" BEFORE UPDATE ON "users" FOR EACH ROW
WHEN (
    OLD.content_hash = NEW.content_hash AND NEW.deleted_at IS NULL
    AND (OLD.email, OLD.email_verified, OLD.phone, OLD.username, OLD.first_name, OLD.last_name, OLD.name, OLD.avatar_url,
         OLD.external_id, OLD.banned, OLD.deprovisioned, OLD.public_metadata)
        IS DISTINCT FROM
        (NEW.email, NEW.email_verified, NEW.phone, NEW.username, NEW.first_name, NEW.last_name, NEW.name, NEW.avatar_url,
         NEW.external_id, NEW.banned, NEW.deprovisioned, NEW.public_metadata)
)
EXECUTE FUNCTION "users_edited_by_others"();
