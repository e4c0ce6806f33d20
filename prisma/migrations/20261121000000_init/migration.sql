-- Clerk's users. Ids are compared byte by byte, as Clerk's own cursor compares them, whatever the database's collation.
CREATE TABLE "users" (
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "email" TEXT,
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
    "withheld" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "clerk_requests" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "reconcile_runs_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "gone_users" (
    "run_id" TEXT NOT NULL,
    "clerk_id" TEXT COLLATE "C" NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "gone_users_pkey" PRIMARY KEY ("run_id", "clerk_id")
);

-- A sweep looks up live users between two places in the order of creation, and every reconcile counts them.
CREATE INDEX "users_by_creation" ON "users"("clerk_created_at", "clerk_id") WHERE "deleted_at" IS NULL;
CREATE INDEX "users_by_email" ON "users"("email");
CREATE INDEX "user_changes_by_user" ON "user_changes"("clerk_id", "revision");
CREATE INDEX "reconcile_runs_by_start" ON "reconcile_runs"("started_at");
