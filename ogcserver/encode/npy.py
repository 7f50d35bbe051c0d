"""Values as a NumPy file, laid out as rio-tiler and titiler do. Source: NEP 1, format version 1.0."""

from __future__ import annotations

import io

import numpy as np

from ogcserver.cube import Block
from ogcserver.encode.values import file_dtype, stored


def encode_npy(block: Block) -> bytes:
    """An array (time x band + 1, y, x) in the logical dtype of the bands, time by time, the mask last.

    The mask is 255 where every band has a value, else 0. Missing values are the bands' nodata, or NaN. A dtype that
    does not hold 255 becomes the next wider one.
    """
    values = stored(block)
    valid = np.asarray(np.isfinite(block.data).all(axis=(0, 1)))
    dtype = np.result_type(file_dtype(values.array.dtype), np.uint8)
    layers = values.array.reshape(-1, *block.grid.shape).astype(dtype)
    file = io.BytesIO()
    np.save(file, np.concatenate([layers, valid[np.newaxis].astype(dtype) * dtype.type(255)]), allow_pickle=False)
    return file.getvalue()
