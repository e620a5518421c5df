-- A sender that did not hear the answer to a batch sends it again by the same key, and gets the same report.

CREATE TABLE batch_keys (
    tenant_id uuid NOT NULL,
    -- As the header Idempotency-Key had it.
    batch_key text NOT NULL,
    -- Of everything that decides what the batch means: its bytes, their type, and the query.
    sha256 bytea NOT NULL,
    -- What was answered; NULL only inside of the transaction that accepts the batch.
    report jsonb,
    -- 30 days later the key is forgotten, as the outbox is (D12): findings in reports quote what was sent.
    recorded_at timestamptz NOT NULL,
    CONSTRAINT batch_keys_pkey PRIMARY KEY (tenant_id, batch_key),
    CONSTRAINT batch_keys_sha256_whole CHECK (octet_length(sha256) = 32)
);
-- For forgetting the oldest.
CREATE INDEX batch_keys_recorded ON batch_keys (tenant_id, recorded_at);
SELECT protect_tenant_table('batch_keys');
