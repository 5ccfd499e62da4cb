"""Making a wake word better for one user, from a few takes of their own voice."""
