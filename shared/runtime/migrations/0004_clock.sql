-- Virtual time (D17, L7) works only in databases that were made for it: the mark is written once, at creation.

CREATE TABLE database_mark (
    kind text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT database_mark_pkey PRIMARY KEY (kind),
    CONSTRAINT database_mark_kind CHECK (kind IN ('production', 'virtual'))
);
-- One row at most, whatever its kind.
CREATE UNIQUE INDEX database_mark_single ON database_mark ((true));

CREATE TABLE virtual_clock (
    singleton boolean NOT NULL DEFAULT true,
    instant timestamptz NOT NULL,
    CONSTRAINT virtual_clock_pkey PRIMARY KEY (singleton),
    CONSTRAINT virtual_clock_single CHECK (singleton)
);

DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON database_mark, virtual_clock TO %I', role_of_service('door'));
    EXECUTE format('GRANT SELECT ON database_mark TO %I', role_of_service('worker'));
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON virtual_clock TO %I', role_of_service('worker'));
END
$$;
