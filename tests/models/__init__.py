"""The requests that the clouds would get, held against the clouds' own models of their APIs."""
