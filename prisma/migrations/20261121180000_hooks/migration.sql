-- One row once somebody listens: from then on, changes are noted for the application's hooks.
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

CREATE INDEX "pending_hooks_by_offer" ON "pending_hooks"("offered_at", "change_id");

-- In the transaction of the change itself, whoever makes it. What commits late is therefore noted late, and never
-- behind anybody's back, as it would be for a cursor over ids.
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
