"""Owns who must be told and who was told: duties, forms, filings, receipts, alerts.

Publishes `tocsin.obligation.changed.v1` and its audit seals. Consumes every subject, exposure, batch, measurement, case and
assessment. It hears the case directly: the clock starts on awareness, before anyone has assessed anything.
"""
