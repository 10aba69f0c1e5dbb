"""Clusters that a cloud manages. Its modules read alike, section by section."""
