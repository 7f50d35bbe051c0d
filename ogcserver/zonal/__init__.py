"""Statistics of regions: polygons on pixels, partial sums of chunks, and the table that they make."""
