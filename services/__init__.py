"""The services of Tocsin; each owns its data and its pages, and they meet only on the log."""
