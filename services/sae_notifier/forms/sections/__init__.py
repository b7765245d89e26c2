"""The numbered parts of the form, one module each: `section(facts) -> Section`."""
