"""How far chance may have moved a share."""

from scipy.stats import binomtest


def interval(share: float, photos: int) -> tuple[float, float]:
    """Give the 95 % interval of a share of so many photos (Wilson, 1927), both ends in 0..1."""
    ends = binomtest(round(share * photos), photos).proportion_ci(0.95, method="wilson")
    return float(ends.low), float(ends.high)
