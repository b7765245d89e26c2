"""How fast it is, beside what the bare database does and what a naive design does, in one run: `python -m bench`."""
