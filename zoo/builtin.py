"""The core's built-in components, registered by the same hook as those of plugins."""

from typing import Any

from zoo.data.dataset_params import FilesParams, HubParams, JudgedFilesParams, SqlParams, SyntheticShopParams
from zoo.hookspecs import hookimpl
from zoo.metric_params import (
    CategoryParams,
    CutoffParams,
    GapParams,
    MAPParams,
    PropensityParams,
    RecallParams,
)
from zoo.params import Params
from zoo.spec import Capabilities, ComponentSpec

READS_FILES = {"dataset.required-params": "it reads files, a repository or a database that the user names"}


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the core's datasets and metrics."""
    return [*_datasets(), *_metrics()]


def _datasets() -> list[ComponentSpec]:
    """Return the built-in datasets."""
    return [
        ComponentSpec(
            "files",
            "dataset",
            "zoo.data.files:Files",
            FilesParams,
            "Events and items from files: parquet, csv, json, arrow.",
            api=2,
            expected_failures=READS_FILES,
        ),
        ComponentSpec(
            "judged-files",
            "dataset",
            "zoo.data.judged_files:JudgedFiles",
            JudgedFilesParams,
            'Judged lists from files that come split, for `task = "rank"`.',
            api=2,
            expected_failures=READS_FILES,
        ),
        ComponentSpec(
            "hub",
            "dataset",
            "zoo.data.files:Hub",
            HubParams,
            "Events and items from the Hugging Face Hub.",
            api=2,
            expected_failures=READS_FILES,
        ),
        ComponentSpec(
            "sql",
            "dataset",
            "zoo.data.sql:Sql",
            SqlParams,
            "Events and items from queries of a database: DuckDB, SQLite, PostgreSQL.",
            api=2,
            expected_failures=READS_FILES,
        ),
        ComponentSpec(
            "synthetic-shop",
            "dataset",
            "zoo.data.synthetic:SyntheticShop",
            SyntheticShopParams,
            "The built-in shop: generated customers, products, views and purchases; nothing to download.",
            tiny={"customers": 60, "items": 80, "events": 1500, "categories": 6, "brands": 12},
            api=2,
        ),
    ]


def _metrics() -> list[ComponentSpec]:
    """Return the built-in metrics."""

    def spec(name: str, target: str, summary: str, params: type[Params] = CutoffParams, **more: Any) -> ComponentSpec:
        return ComponentSpec(
            name, "metric", f"zoo.evaluation.metrics.{target}", params, summary, tiny={"k": 3}, **more, api=2
        )

    return [
        spec("hit", "hit:Hit", "Share of the queries with a target in the list."),
        spec("recall", "recall:Recall", "Share of a query's targets that are in the list.", RecallParams),
        spec("precision", "precision:Precision", "Share of the list's slots that hold a target."),
        spec("ndcg", "ndcg:NDCG", "Targets found, discounted by rank, as a share of the best possible."),
        spec("mrr", "mrr:MRR", "Reciprocal rank of the first target in the list."),
        spec("map", "map:MAP", "Mean precision at the ranks of the targets.", MAPParams),
        spec("coverage", "coverage:Coverage", "Share of the eligible catalogue that is shown to anyone."),
        spec("gini", "gini:Gini", "Inequality of the items' exposure: 0 where all are shown alike."),
        spec("novelty", "novelty:Novelty", "Mean self-information of the items shown, in bits."),
        spec(
            "diversity",
            "diversity:Diversity",
            "Mean cosine distance between the items of a list.",
            capabilities=Capabilities(features="required"),
        ),
        spec("revenue", "revenue:Revenue", "Price of the targets in the list."),
        spec(
            "calibration",
            "calibration:Calibration",
            "How far the categories of a list are from those of the history.",
            CategoryParams,
            capabilities=lambda p: Capabilities(histories=True, columns=(p.column,)),
        ),
        spec(
            "entropy",
            "entropy:Entropy",
            "How evenly a list is spread over the categories, in bits.",
            CategoryParams,
            capabilities=lambda p: Capabilities(columns=(p.column,)),
        ),
        spec(
            "popularity-lift",
            "popularity_lift:PopularityLift",
            "How much more popular the items of a list are than those of the history.",
            capabilities=Capabilities(histories=True),
        ),
        spec("serendipity", "serendipity:Serendipity", "Targets that popularity would have ranked lower."),
        spec("ips-ndcg", "ips_ndcg:IPSNDCG", "NDCG in which rare targets count more.", PropensityParams),
        spec(
            "gap",
            "gap:Gap",
            "Difference of a metric between long and short histories.",
            GapParams,
            capabilities=Capabilities(histories=True),
        ),
    ]
