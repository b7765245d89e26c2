"""The face every service shares: errors as problems or pages, templates, languages, times, live lists, security headers."""
