"""Starts the component host; see components/host.py."""

from components.host import serve

serve()
