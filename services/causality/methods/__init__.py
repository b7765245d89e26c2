"""Causality methods: pure, total functions from answered questions to a category."""
