ALTER TABLE invoices
    -- Day on which it was voided: nothing was owed, and what is promised about it cannot be kept or broken.
    ADD COLUMN voided_on date;
