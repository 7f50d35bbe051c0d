"""Random fields and the few image operations that the synthetic landscapes are made of.

Every array is float32 ``(y, x)`` unless a docstring says otherwise. Randomness comes only from the generator or seed
that is passed in, so equal arguments give equal bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Labels = NDArray[np.uint32]


def fractal(seed: int, shape: tuple[int, int], slope: float, longest: float = 0.0) -> Field:
    """A periodic random field with a power-law spectrum, mean 0 and standard deviation 1.

    Args:
        slope: exponent of amplitude over frequency; 1 is rough, 2 is smooth.
        longest: wavelength in pixels beyond which there is no power; 0 keeps everything.
    """
    rng = np.random.default_rng(seed)
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1.0
    amplitude = frequency**-slope
    if longest > 0:
        amplitude *= 1 - np.exp(-((frequency * longest) ** 2))
    amplitude[0, 0] = 0.0
    spectrum = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) * amplitude
    field = np.fft.irfft2(spectrum, s=shape).astype(np.float32)
    return field / np.float32(field.std())


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur with a standard deviation of ``sigma`` pixels; edges are mirrored."""
    pad = int(3 * sigma) + 1
    wide = np.pad(field, pad, mode="reflect" if pad < min(field.shape) else "edge")
    fy = np.fft.fftfreq(wide.shape[0])[:, None]
    fx = np.fft.rfftfreq(wide.shape[1])[None, :]
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (fy**2 + fx**2))
    smooth = np.fft.irfft2(np.fft.rfft2(wide) * gain, s=wide.shape)
    return smooth[pad : pad + field.shape[0], pad : pad + field.shape[1]].astype(np.float32)


def enlarge(field: Field, shape: tuple[int, int]) -> Field:
    """``field`` resampled to ``shape`` by cubic B-splines, smooth across the old pixels; same extent, pixel centres."""
    return _resample_rows(_resample_rows(field, shape[0]).T, shape[1]).T.copy()


def _resample_rows(field: Field, count: int) -> Field:
    size = field.shape[0]
    at = (np.arange(count) + 0.5) * size / count - 0.5
    low = np.floor(at).astype(np.intp)
    t = (at - low).astype(np.float32)[:, None]
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3)
    out = np.zeros((count, field.shape[1]), np.float32)
    for step, weight in enumerate(weights, start=-1):
        out += field[np.clip(low + step, 0, size - 1)] * (weight / 6)
    return out


def ramp(field: Field, low: float, high: float) -> Field:
    """0 at or below ``low``, 1 at or above ``high``, a smooth step between; ``low`` may be above ``high``."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    step: Field = (t * t * (3 - 2 * t)).astype(np.float32, copy=False)
    return step


def scramble(labels: Labels, salt: int) -> Field:
    """A uniform random number in [0, 1) for each label: equal labels get equal numbers."""
    bits = labels * np.uint32(0x9E3779B1) + np.uint32(salt * 0x85EBCA6B & 0xFFFFFFFF)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(0x2C1B3C6D)
    bits ^= bits >> np.uint32(12)
    bits *= np.uint32(0x297A2D39)
    bits ^= bits >> np.uint32(15)
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def join(first: Labels, second: Labels) -> Labels:
    """One label for each pair of labels."""
    mixed: Labels = first * np.uint32(0x9E3779B1) ^ (second + np.uint32(0x7F4A7C15)) * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    return mixed
