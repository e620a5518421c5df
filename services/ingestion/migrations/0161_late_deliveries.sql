-- What is still open of invoices that reached their debtors late, the last delivered first. Whoever is told of 7 days here is
-- told the same where reminders count their steps.
CREATE INDEX receivables_delivered_late ON receivables (tenant_id, delivered_date DESC, invoice_id)
    WHERE open_amount > 0 AND (delivered_date > issue_date + 7 OR delivered_date > due_date);
