"""What goes into any cluster, whatever target it is of."""
