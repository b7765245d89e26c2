"""Real servers for tests and chaos, started without containers: Kafka, PostgreSQL, a mail catcher."""
