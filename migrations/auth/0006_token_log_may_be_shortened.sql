-- What is old may leave the token log, row by row; it is not changed, and the last 30 days stay whatever a setting says.
CREATE FUNCTION refuse_removal_of_recent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.at > now() - interval '30 days' THEN
        RAISE EXCEPTION 'the last 30 days of % stay', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;

DROP TRIGGER token_log_only_grows ON token_log;
CREATE TRIGGER token_log_only_grows BEFORE UPDATE OR TRUNCATE ON token_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER token_log_keeps_recent BEFORE DELETE ON token_log
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_recent();
