-- Lists of open items as they were sent (L3), one row for each source and moment: what became of it, and its report.

CREATE TABLE snapshots (
    tenant_id uuid NOT NULL,
    -- UUIDv5 of (source, moment).
    snapshot_id uuid NOT NULL,
    source_id uuid NOT NULL,
    -- The moment that the list shows.
    as_of timestamptz NOT NULL,
    -- Of the body: the same list sent again gets the same answer.
    sha256 bytea NOT NULL,
    -- 'held': so much would be closed that a person has to agree; nothing of it is applied.
    status text NOT NULL,
    report jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Last sign of life while it is applied.
    updated_at timestamptz NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (tenant_id, snapshot_id),
    CONSTRAINT snapshots_status_known CHECK (status IN ('applying', 'applied', 'held'))
);
-- For the lists of a source, newest first.
CREATE INDEX snapshots_source ON snapshots (tenant_id, source_id, as_of DESC);
SELECT protect_tenant_table('snapshots');
