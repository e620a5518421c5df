-- How events leave and enter a service. The columns and the reasons: shared/messaging.

CREATE TABLE inbox (
    -- Id of an event whose effects are committed. Kept longer than any outbox keeps the event and a stream after that. It is
    -- a UUIDv7: the key is also the order of age, so that no second index is needed for dropping what is old.
    event_id uuid NOT NULL,
    CONSTRAINT inbox_pkey PRIMARY KEY (event_id)
);
SELECT grant_to_worker('inbox');

CREATE TABLE outbox (
    -- Order of appending. Events of one aggregate are nearly always published in the order of its changes (its row is
    -- locked first); a third open transaction can still part two writers into different windows, so readers go by version.
    id bigint GENERATED ALWAYS AS IDENTITY,
    -- The writing transaction: rows below the snapshot horizon are decided, so nothing appears behind the relay's cursor.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    event_id uuid NOT NULL,
    subject text NOT NULL,
    -- `name: value` lines separated by CR LF, as NATS writes them.
    headers bytea NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
) PARTITION BY RANGE (id);
-- For the relay's window.
CREATE INDEX outbox_xid_id ON outbox (xid, id);
SELECT grant_to_worker('outbox');
-- A request may tell what it did; what others did is none of its business.
DO $$
BEGIN
    EXECUTE format('GRANT INSERT ON outbox TO %I', role_of_service('door'));
END
$$;

-- Keeps ten partitions of a million rows ahead of the last id (more than two cores can write between two calls), and drops those that are published and older than `retention`.
CREATE FUNCTION maintain_outbox(retention interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    rows_each constant bigint := 1000000;
    last_id bigint;
    part record;
    published boolean;
BEGIN
    SELECT coalesce(max(id), 0) INTO last_id FROM outbox;
    FOR number IN last_id / rows_each .. last_id / rows_each + 10 LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS outbox_%s PARTITION OF outbox FOR VALUES FROM (%s) TO (%s)',
            number, number * rows_each, (number + 1) * rows_each);
    END LOOP;
    FOR part IN
        SELECT c.oid::regclass AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'outbox'::regclass AND substring(c.relname FROM 'outbox_(\d+)$')::bigint < last_id / rows_each
    LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s o WHERE o.created_at > now() - $1
            OR o.xid >= (SELECT min(lo) FROM relay_state))', part.name) INTO published USING retention;
        IF published THEN
            EXECUTE format('DROP TABLE %s', part.name);
        END IF;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION maintain_outbox(interval) FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION maintain_outbox(interval) TO %I', role_of_service('worker'));
END
$$;

CREATE TABLE relay_state (
    stream text NOT NULL,
    -- Grows when the stream was made anew or had lost something.
    epoch integer NOT NULL DEFAULT 1,
    -- The window being published: rows with lo <= xid < hi, in the order of id, up to last_id.
    lo xid8 NOT NULL DEFAULT '0',
    hi xid8 NOT NULL DEFAULT '0',
    last_id bigint NOT NULL DEFAULT 0,
    -- Sequence of the last message in the stream.
    stream_seq bigint NOT NULL DEFAULT 0,
    -- When the stream was made. Another time than this is another stream.
    stream_created timestamptz,
    -- Sequences of the stream that are known to hold no message any more.
    stream_missing bigint NOT NULL DEFAULT 0,
    CONSTRAINT relay_state_pkey PRIMARY KEY (stream)
);
SELECT grant_to_worker('relay_state');
SELECT maintain_outbox('30 days');

CREATE TABLE dead_letter (
    event_id uuid NOT NULL,
    -- Absent where the event could not be read that far.
    tenant_id uuid,
    customer_id uuid,
    stream text NOT NULL,
    stream_seq bigint NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    -- How often it was tried; `reason` is of the last time.
    attempts integer NOT NULL DEFAULT 1,
    -- Since when a person wants it tried again, and who.
    redrive_requested_at timestamptz,
    redrive_requested_by text,
    CONSTRAINT dead_letter_pkey PRIMARY KEY (event_id),
    CONSTRAINT dead_letter_request_whole CHECK ((redrive_requested_at IS NULL) = (redrive_requested_by IS NULL))
);
-- For the last check before a message leaves: is anything of this customer waiting for a person?
CREATE INDEX dead_letter_customer ON dead_letter (tenant_id, customer_id);
SELECT protect_tenant_table('dead_letter');

-- Every dead letter that was tried again: who wanted it, and what became of it. Rows are added, never changed.
CREATE TABLE dead_letter_log (
    event_id uuid NOT NULL,
    entry_no bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id uuid,
    customer_id uuid,
    stream text NOT NULL,
    stream_seq bigint NOT NULL,
    subject text NOT NULL,
    -- Why it was set aside before this attempt.
    reason text NOT NULL,
    outcome text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dead_letter_log_pkey PRIMARY KEY (event_id, entry_no),
    CONSTRAINT dead_letter_log_outcome_known CHECK (outcome IN ('applied', 'rejected'))
);
-- For what was tried last.
CREATE INDEX dead_letter_log_at ON dead_letter_log (at DESC);
SELECT protect_tenant_table('dead_letter_log');
