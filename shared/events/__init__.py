"""CloudEvents: the envelope, the types, the catalogue that generates the schemas."""
