"""Provider plugins that stand in for a cloud's own: the real engine talks to them, and no cloud is asked."""
