"""Causality: grade, relatedness and expectedness, proposed with reasons and signed by a medical monitor."""
