"""Pulumi's language host for Python, for where Pulumi is built from source: its own cannot be had as a Go module.

The engine starts it once a phase, by the launcher `pulumi-language-python` beside this file, and talks to it over gRPC:
what plugins does the program need, run it, run that component package. A program whose Python is this clone's runs in
the host itself, so that no phase pays for a second Python; any other runs on the Python that it names. What takes a
code generator is refused: that is in Pulumi's own release.
"""
