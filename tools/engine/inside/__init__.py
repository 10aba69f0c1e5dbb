"""What runs inside of the private engine's namespaces, from copies in its own folder: no module of ours is there."""
