"""Development clusters on this machine."""
