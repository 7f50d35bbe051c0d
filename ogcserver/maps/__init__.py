"""What all map protocols share: styles by name, times, tile matrix sets of a layer, pictures, values under a pixel."""
