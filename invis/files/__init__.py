"""Files, below all other rooms: written whole, read back by their kind, folders of images."""
