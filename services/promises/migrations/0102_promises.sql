-- Promises, what ended them by word, and the alerts about them.

CREATE TABLE promises (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    -- The source's own number of the promise.
    code text NOT NULL,
    customer_id uuid NOT NULL,
    legal_entity_id uuid NOT NULL,
    amount numeric NOT NULL,
    currency char(3) NOT NULL,
    promised_date date NOT NULL,
    -- IANA zone of promised_date, from the fact.
    time_zone text NOT NULL,
    made_on date NOT NULL,
    channel text NOT NULL,
    -- The promise this one was said to replace.
    replaces_promise_id uuid,
    -- Terms, fixed when it was made: the last day that counts, and from which sum on it is kept.
    last_day date NOT NULL,
    required_amount numeric NOT NULL,
    -- First instant after last_day in time_zone, derived with tzdb_version; derived again when the rules of a zone change.
    deadline_at timestamptz NOT NULL,
    tzdb_version text NOT NULL,
    status text NOT NULL,
    -- 0 until it was first judged and published.
    version bigint NOT NULL,
    -- At most amount.
    paid_amount numeric NOT NULL,
    -- The state was changed after its deadline was confirmed (P5).
    late_information boolean NOT NULL,
    -- When the deadline, passed, was found to be covered or was waited for long enough, once for every promise however it
    -- ended. From then on neither clock nor coverage is asked again.
    confirmed_at timestamptz,
    changed_at timestamptz NOT NULL,
    -- When the sweep looks at it; '1970-01-01' for at once, NULL when only news can change it.
    judge_at timestamptz,
    CONSTRAINT promises_pkey PRIMARY KEY (tenant_id, promise_id),
    CONSTRAINT promises_amount_positive CHECK (amount > 0),
    CONSTRAINT promises_required_at_most_amount CHECK (required_amount BETWEEN 0 AND amount),
    CONSTRAINT promises_paid_at_most_amount CHECK (paid_amount BETWEEN 0 AND amount),
    CONSTRAINT promises_version_not_negative CHECK (version >= 0),
    CONSTRAINT promises_status_known CHECK (status IN
        ('open', 'due_unconfirmed', 'kept', 'partially_kept', 'broken', 'withdrawn', 'replaced')),
    -- The states themselves say what was paid.
    CONSTRAINT promises_broken_unpaid CHECK (status <> 'broken' OR paid_amount = 0),
    CONSTRAINT promises_partially_kept_paid CHECK (status <> 'partially_kept' OR paid_amount > 0),
    -- Breaking a promise takes a confirmed deadline.
    CONSTRAINT promises_deadline_confirmed CHECK (status NOT IN ('partially_kept', 'broken') OR confirmed_at IS NOT NULL),
    CONSTRAINT promises_late_after_confirmed CHECK (NOT late_information OR confirmed_at IS NOT NULL),
    -- Whatever is not confirmed is looked at again.
    CONSTRAINT promises_unconfirmed_watched CHECK (confirmed_at IS NOT NULL OR judge_at IS NOT NULL)
) WITH (fillfactor = 70);
-- The sweep: what is due.
CREATE INDEX promises_judge_at ON promises (judge_at) WHERE judge_at IS NOT NULL;
-- Coverage has moved: what was waiting for it.
CREATE INDEX promises_unconfirmed ON promises (tenant_id, deadline_at) WHERE confirmed_at IS NULL;
-- Said to replace this one.
CREATE INDEX promises_replaces ON promises (tenant_id, replaces_promise_id) WHERE replaces_promise_id IS NOT NULL;
-- GET /v1/promises, of all and of one customer.
CREATE INDEX promises_by_date ON promises (tenant_id, promised_date, promise_id);
CREATE INDEX promises_customer ON promises (tenant_id, customer_id, promised_date, promise_id);
SELECT protect_tenant_table('promises');

CREATE TABLE promise_invoices (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    CONSTRAINT promise_invoices_pkey PRIMARY KEY (tenant_id, promise_id, invoice_id),
    CONSTRAINT promise_invoices_promise FOREIGN KEY (tenant_id, promise_id) REFERENCES promises (tenant_id, promise_id)
);
-- The promises about an invoice that has changed.
CREATE INDEX promise_invoices_invoice ON promise_invoices (tenant_id, invoice_id, promise_id);
SELECT protect_tenant_table('promise_invoices');

-- What was said about a promise that may not have come yet: a row for each promise that was made, withdrawn or named as
-- replaced, and the lock under which the three meet (D13).
CREATE TABLE promise_words (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    -- The earliest of several.
    withdrawn_on date,
    CONSTRAINT promise_words_pkey PRIMARY KEY (tenant_id, promise_id)
);
SELECT protect_tenant_table('promise_words');

CREATE TABLE alerts (
    tenant_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    status text NOT NULL,
    -- What is missing of the promised amount.
    amount numeric NOT NULL,
    currency char(3) NOT NULL,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    CONSTRAINT alerts_pkey PRIMARY KEY (tenant_id, alert_id),
    -- One for each promise and kind: raised again, not repeated.
    CONSTRAINT alerts_promise_kind UNIQUE (tenant_id, promise_id, kind),
    CONSTRAINT alerts_promise FOREIGN KEY (tenant_id, promise_id) REFERENCES promises (tenant_id, promise_id),
    CONSTRAINT alerts_version_positive CHECK (version > 0),
    CONSTRAINT alerts_kind_known CHECK (kind IN ('promise_broken', 'promise_partially_kept', 'promise_unconfirmed')),
    CONSTRAINT alerts_cleared CHECK (status = 'raised' AND cleared_at IS NULL OR status = 'cleared' AND cleared_at IS NOT NULL)
) WITH (fillfactor = 70);
-- GET /v1/alerts.
CREATE INDEX alerts_list ON alerts (tenant_id, status, raised_at, alert_id);
SELECT protect_tenant_table('alerts');
