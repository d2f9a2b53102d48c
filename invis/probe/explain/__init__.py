"""What a set needs to be explained, and whether the explanation holds."""
