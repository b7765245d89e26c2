"""The Data Safety Monitoring Board's service: frozen cuts, open and closed reports, stopping rules.

Owns cuts, reports and the letters that stand for arms. Publishes `tocsin.stopping_rule.crossed.v1` and its audit seals, none with an
arm. Consumes everything about children, and `tocsin.allocation`, which nobody else reads: its own cuts go there, so that they
come back after a restore.
"""
