"""Owns what was reported, by whom and when it became known: subjects, exposures, batches, measurements, cases.

Publishes `tocsin.subject|exposure|batch|measurement.recorded.v1`, `tocsin.case.reported|amended|nullified.v1`,
`tocsin.allocation.recorded.v1` (on tocsin.allocation) and its audit seals. Consumes the other services' audit seals.
"""
