"""What every service of Tocsin shares: the published language, the log, the database, the audit trail."""
