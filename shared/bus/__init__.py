"""One way of moving data: outbox, relay, log, cursor, received versions, parking."""
