-- An empty hash says that a row was anonymised, so a row that somebody else edited needs another mark: deleted later, it
-- would have been taken for anonymised, and kept what is personal.
CREATE OR REPLACE FUNCTION "users_edited_by_others"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.content_hash := 'edited';
    RETURN NEW;
END
$$;

UPDATE "users" SET "content_hash" = 'edited'
WHERE "content_hash" = '' AND ("deleted_at" IS NULL OR "raw" <> '{}');
