"""Slipway's clusters as Pulumi components, and what they are checked and made with.

A program in Python takes the one that it wants, e.g. `from components.local.kind import KindCluster`, and with it no
other target's SDK. One in another language takes them from the package that `plugin/` serves.
"""
