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
