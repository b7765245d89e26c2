"""Who is asking, what they may do, and how they prove it: users, signed sign-ins, roles, fresh proof for signatures."""
