-- What was accepted of each source, summed by request, so that the source can prove that nothing is missing (I10). Rows are
-- added and never changed: a total in one row would let a source's requests commit only one after the other.

CREATE TABLE watermarks (
    tenant_id uuid NOT NULL,
    entry_no bigint GENERATED ALWAYS AS IDENTITY,
    source_id uuid NOT NULL,
    -- Of the facts' own time, in UTC.
    day date NOT NULL,
    fact_type text NOT NULL,
    -- Empty where a fact has no amount.
    currency text NOT NULL,
    facts bigint NOT NULL,
    amount numeric NOT NULL,
    -- Exclusive or over the first eight bytes of SHA-256 of each fact's id: no order, and nothing counted twice.
    ids_xor bigint NOT NULL,
    -- Of the fact accepted last.
    last_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT watermarks_pkey PRIMARY KEY (tenant_id, entry_no)
);
-- For the totals of a source.
CREATE INDEX watermarks_source ON watermarks (tenant_id, source_id, day);
SELECT protect_tenant_table('watermarks');
