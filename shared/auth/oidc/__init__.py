"""Sign-in by an OpenID provider: discovery, code flow, tokens, and the people and machines they speak of."""
