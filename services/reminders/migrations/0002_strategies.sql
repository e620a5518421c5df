-- Strategies: versioned, never edited. A tenant is given the built-in ones when it appears.

CREATE TABLE strategy_steps (
    tenant_id uuid NOT NULL,
    strategy text NOT NULL,
    version integer NOT NULL,
    -- From 0, ascending with the offset: the dunning level (L10).
    position integer NOT NULL,
    -- Days from the effective due date; negative is before it.
    offset_days integer NOT NULL,
    -- Name of the template that opens the message.
    template text NOT NULL,
    tone text NOT NULL,
    CONSTRAINT strategy_steps_pkey PRIMARY KEY (tenant_id, strategy, version, position),
    CONSTRAINT strategy_steps_offset UNIQUE (tenant_id, strategy, version, offset_days),
    CONSTRAINT strategy_steps_version_positive CHECK (version > 0),
    CONSTRAINT strategy_steps_position_not_negative CHECK (position >= 0),
    CONSTRAINT strategy_steps_tone_known CHECK (tone IN ('gentle', 'friendly', 'firm'))
);
SELECT protect_tenant_table('strategy_steps');

CREATE TABLE segment_strategies (
    tenant_id uuid NOT NULL,
    -- As scoring names it; "new" also stands for customers that it has not spoken about.
    segment text NOT NULL,
    strategy text NOT NULL,
    version integer NOT NULL,
    CONSTRAINT segment_strategies_pkey PRIMARY KEY (tenant_id, segment)
);
SELECT protect_tenant_table('segment_strategies');
