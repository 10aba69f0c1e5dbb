"""Where machines come from: each driver gives a name, an address, a way to reach it, and takes user-data."""
