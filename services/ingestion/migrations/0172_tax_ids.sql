-- For documents that know their buyer by its tax number alone: letters and digits count, however they are grouped.
CREATE INDEX customers_tax_id ON customers (tenant_id, upper(regexp_replace(tax_id, '[^[:alnum:]]', '', 'g'))) WHERE tax_id <> '';
