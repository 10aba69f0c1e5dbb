"""What is run by a person and now and then, since it takes too long for every change."""
