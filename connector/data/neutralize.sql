-- A copy of the database must not speak with the systems of the original: it forgets the secrets of
-- all backends. SecretChar comments their columns
DO $$
DECLARE
    secret record;
BEGIN
    FOR secret IN
        SELECT relname, attname
        FROM pg_description
        JOIN pg_class ON pg_class.oid = objoid AND classoid = 'pg_class'::regclass
        JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = objsubid
        WHERE description = 'secret of a connector'
            AND relnamespace = current_schema()::regnamespace
            AND relkind IN ('r', 'p')
            AND NOT attisdropped
    LOOP
        EXECUTE format('UPDATE %I SET %I = NULL', secret.relname, secret.attname);
    END LOOP;
END $$;

-- nor does it use their tokens, or ask for others: the systems might refuse those of the original then
DELETE FROM connector_token;
DELETE FROM connector_authorization;
