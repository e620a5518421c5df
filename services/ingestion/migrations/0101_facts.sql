-- What outside told, for ever: every accepted fact is one row, and the row is its receipt (I5, D12).

CREATE TABLE sources (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    -- What facts name.
    code text NOT NULL,
    -- Who applies cash (L3): where it is the ERP, Puntual follows and never chooses an invoice.
    application_authority text NOT NULL,
    mode text NOT NULL,
    -- Families of facts whose absence this source's coverage proves.
    covers text[] NOT NULL,
    -- Up to when the source has told all it knows (L4).
    covered_until timestamptz,
    -- Moment of the last list of open items that was applied: what the source told of money until then is in it.
    snapshot_until timestamptz,
    version bigint NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (tenant_id, source_id),
    CONSTRAINT sources_code UNIQUE (tenant_id, code),
    CONSTRAINT sources_application_authority_known CHECK (application_authority IN ('puntual', 'erp')),
    CONSTRAINT sources_mode_known CHECK (mode IN ('events', 'snapshot')),
    CONSTRAINT sources_covers_known CHECK (covers <@ ARRAY['payments', 'invoices', 'disputes', 'promises']),
    CONSTRAINT sources_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('sources');

CREATE TABLE facts (
    tenant_id uuid NOT NULL,
    -- UUIDv5 of (source, the source's own id): the key alone makes an id of a source count once (I1).
    fact_id uuid NOT NULL,
    source_id uuid NOT NULL,
    -- The source's own id of the fact.
    external_id text NOT NULL,
    fact_type text NOT NULL,
    -- `time` of the envelope.
    occurred_at timestamptz NOT NULL,
    -- As the source wrote it; orders changes of one object.
    source_version text,
    legal_entity_id uuid NOT NULL,
    -- Who caused it; where the source does not say, the name of the key.
    actor text NOT NULL,
    approval text,
    -- Without personal data, which is in fact_persons.
    data jsonb NOT NULL,
    -- SHA-256 of the canonical JSON (RFC 8785) of all members supplied: the same id with another hash is a conflict.
    sha256 bytea NOT NULL,
    -- 'stale': a newer change of the object was known already, so this one changed nothing.
    status text NOT NULL,
    -- What it waited for when it was accepted: `invoice F-1`.
    parked text[] NOT NULL,
    -- When Puntual learned of it.
    recorded_at timestamptz NOT NULL,
    CONSTRAINT facts_pkey PRIMARY KEY (tenant_id, fact_id),
    -- No foreign key: a source is looked up for every line and never deleted. Here and in the ledger such keys took a sixth
    -- of the time of an intake.
    CONSTRAINT facts_status_known CHECK (status IN ('applied', 'stale'))
);
SELECT protect_tenant_table('facts');

-- The data of facts that name a person. A row may be erased: sums, receipts and replays do not need it (L5, S7).
CREATE TABLE fact_persons (
    tenant_id uuid NOT NULL,
    fact_id uuid NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT fact_persons_pkey PRIMARY KEY (tenant_id, fact_id)
);
SELECT protect_tenant_table('fact_persons');

-- Lines of batches that could not be accepted, kept until a person decides.
CREATE TABLE quarantine (
    tenant_id uuid NOT NULL,
    -- UUIDv5 of the line's content: the same bad line sent again is the same row.
    quarantine_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    line integer NOT NULL,
    byte_offset bigint NOT NULL,
    -- The line as it came, at most 256 KiB of it. May hold personal data, so it can be erased.
    raw bytea,
    sha256 bytea NOT NULL,
    code text NOT NULL,
    -- Where in the fact: `#/data/amount`.
    pointer text NOT NULL,
    detail text NOT NULL,
    status text NOT NULL,
    -- By whom it was tried again or discarded, and why.
    decision text,
    -- The fact that a person made of it, when that is what was tried.
    edited bytea,
    times_seen integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT quarantine_pkey PRIMARY KEY (tenant_id, quarantine_id),
    CONSTRAINT quarantine_status_known CHECK (status IN ('open', 'redriven', 'discarded')),
    CONSTRAINT quarantine_decided CHECK ((status = 'open') = (decided_at IS NULL))
);
-- For the list of what waits for a person, newest first.
CREATE INDEX quarantine_open ON quarantine (tenant_id, recorded_at DESC, quarantine_id) WHERE status = 'open';
SELECT protect_tenant_table('quarantine');

-- One row for each object that a fact was about. Two facts about one object that may not exist yet meet here (D13). Unlogged:
-- only transactions that run meet, and after a crash or on a promoted standby, where it is empty, none does.
CREATE UNLOGGED TABLE object_locks (
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    CONSTRAINT object_locks_pkey PRIMARY KEY (tenant_id, object_id)
);
SELECT protect_tenant_table('object_locks');
