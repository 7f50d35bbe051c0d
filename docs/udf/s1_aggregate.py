"""Monthly means of backscatter in decibels. Power is averaged, not its logarithm."""

import numpy as np


def aggregate_time(df):
    power = 10 ** (df / 10)
    return 10 * np.log10(power.resample("MS").mean())
