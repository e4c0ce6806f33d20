-- Where an application makes e-mails unique, the address that Clerk has and the row cannot have: EMAIL_UNIQUENESS.
ALTER TABLE "users" ADD COLUMN "email_withheld" TEXT;

-- The few who wait for their address are looked for at the end of every reconcile.
CREATE INDEX "users_with_withheld_email" ON "users"("clerk_id") WHERE "email_withheld" IS NOT NULL;

-- An address that moves from one of the two columns to the other was moved by this service, and the hash, which is of
-- what Clerk says, still speaks for the row. The creation time is watched too: by it a sweep knows where a row belongs.
DROP TRIGGER "users_edited_by_others" ON "users";

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
