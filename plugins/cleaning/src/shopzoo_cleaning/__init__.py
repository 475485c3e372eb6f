"""Cleaners for event logs: duplicates, returns, bots and defects of time."""

from shopzoo_cleaning.params import BotsParams, DuplicatesParams, ReturnsParams, TimeDefectsParams
from zoo.api import Capabilities, ComponentSpec, hookimpl

_TIMED = Capabilities(needs_time=True)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the cleaners."""
    return [
        ComponentSpec(
            name="duplicates",
            stage="cleaner",
            target="shopzoo_cleaning.duplicates:Duplicates",
            params=DuplicatesParams,
            summary="Removes exact copies of events, and repetitions within a few seconds.",
            api=2,
        ),
        ComponentSpec(
            name="returns",
            stage="cleaner",
            target="shopzoo_cleaning.returns:Returns",
            params=ReturnsParams,
            summary="Removes rows with a quantity below zero, and the purchase that each of them cancels.",
            citation="Chen, Sain & Guo: Data mining for the online retail industry. Journal of Database Marketing 19 (2012), whose data set marks cancellations this way.",
            api=2,
        ),
        ComponentSpec(
            name="bots",
            stage="cleaner",
            target="shopzoo_cleaning.bots:Bots",
            params=BotsParams,
            summary="Removes users who act like programs: too fast, too regular, through the whole catalogue, or around the clock.",
            citation="Tan & Kumar: Discovery of web robot sessions based on their navigational patterns. Data Mining and Knowledge Discovery 6 (2002).",
            capabilities=_TIMED,
            api=2,
        ),
        ComponentSpec(
            name="time-defects",
            stage="cleaner",
            target="shopzoo_cleaning.time_defects:TimeDefects",
            params=TimeDefectsParams,
            summary="Removes events at time zero and far outside the range of the others; reports days whose events are all at midnight.",
            capabilities=_TIMED,
            api=2,
        ),
    ]
