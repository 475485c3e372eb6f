"""Cleaners for event logs."""

from shopzoo_cleaning.params import (
    BotsParams,
    DuplicatesParams,
    InternalAccountsParams,
    MergeItemsParams,
    PriceOutliersParams,
    RareParams,
    ReturnsParams,
    SessionsParams,
    TimeDefectsParams,
)
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
            citation="Metwally, Agrawal & El Abbadi: Duplicate detection in click streams. WWW 2005.",
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
            summary="Removes events at time zero, in another unit and far outside the range of the others; reports days whose events are all at midnight.",
            citation="Gschwandtner, Gärtner, Aigner & Miksch: A taxonomy of dirty time-oriented data. CD-ARES 2012.",
            capabilities=_TIMED,
            api=2,
        ),
        ComponentSpec(
            name="sessions",
            stage="cleaner",
            target="shopzoo_cleaning.sessions:Sessions",
            params=SessionsParams,
            summary="Adds the column `session_id`: cuts sessions by idle time, where a log has none.",
            citation="Catledge & Pitkow: Characterizing browsing strategies in the World-Wide Web. Computer Networks and ISDN Systems 27 (1995).",
            capabilities=_TIMED,
            api=2,
        ),
        ComponentSpec(
            name="rare",
            stage="cleaner",
            target="shopzoo_cleaning.rare:Rare",
            params=RareParams,
            summary="Removes users and items outside the k-core of the events before the cut.",
            citation="Seidman: Network structure and minimum degree. Social Networks 5 (1983).",
            api=2,
        ),
        ComponentSpec(
            name="price-outliers",
            stage="cleaner",
            target="shopzoo_cleaning.price_outliers:PriceOutliers",
            params=PriceOutliersParams,
            summary="Removes events whose price is far from the usual price of the item, or of its category.",
            citation="Iglewicz & Hoaglin: How to detect and handle outliers. ASQC Quality Press (1993).",
            api=2,
        ),
        ComponentSpec(
            name="test-accounts",
            stage="cleaner",
            target="shopzoo_cleaning.internal_accounts:InternalAccounts",
            params=InternalAccountsParams,
            summary="Removes accounts of the shop itself: by patterns of their ids, and staff by volume.",
            citation="Kohavi, Mason, Parekh & Zheng: Lessons and challenges from mining retail e-commerce data. Machine Learning 57 (2004).",
            api=2,
        ),
        ComponentSpec(
            name="merge-items",
            stage="cleaner",
            target="shopzoo_cleaning.merge_items:MergeItems",
            params=MergeItemsParams,
            summary="Makes items with the same title one item, whatever its case, punctuation, order of words and typing errors.",
            citation="Christen: Data matching. Springer (2012).",
            api=2,
        ),
    ]
