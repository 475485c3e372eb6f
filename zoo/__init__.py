"""ShopZoo: a pluggable model zoo for e-commerce recommendation. Importing it imports nothing heavy.

    import zoo

    log = zoo.read_log(orders, user_id="customer", item_id="sku", timestamp="date")  # any data frame, or files
    zoo.bench(["popular", "als", zoo.load("ease", l2=500.0)], log)  # compare models
    shop = zoo.fit("ease", log)  # fit one of them
    shop.recommend(history=["A", "B"], k=10, where={"in_stock": True})
    zoo.bench("experiment.toml")  # the same from a file

`zoo.api` has what a plugin imports, `zoo.nn` its building blocks, `zoo.testing` the checks it has to pass. Names outside
these four modules may change without notice.
"""

from zoo.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Artifact": "zoo.artifacts.artifact",
        "BenchmarkResult": "zoo.benchmark.result",
        "Catalogue": "zoo.data.catalogue",
        "Data": "zoo.data.log",
        "Evaluator": "zoo.evaluation.evaluator",
        "Given": "zoo.config.split_settings",
        "Interactions": "zoo.data.interactions",
        "LeaveLastOut": "zoo.config.split_settings",
        "PairedComparison": "zoo.benchmark.compare.compare_rows",
        "Pipeline": "zoo.pipeline.unfitted",
        "Recommendations": "zoo.artifacts.recommended",
        "Recommended": "zoo.artifacts.recommended",
        "Reproduction": "zoo.benchmark.reproduce",
        "Rules": "zoo.pipeline.retrieval",
        "StrongGeneralisation": "zoo.config.split_settings",
        "Task": "zoo.data.task",
        "Temporal": "zoo.config.split_settings",
        "UserTable": "zoo.data.user_table",
        "Verification": "zoo.benchmark.verify.verify",
        "ZooError": "zoo.errors",
        "__version__": "zoo.version",
        "bench": "zoo.benchmark.python.calls",
        "compare": "zoo.benchmark.compare.compare_rows",
        "fit": "zoo.benchmark.python.calls",
        "load": "zoo.registry.registry",
        "load_artifact": "zoo.artifacts.saving",
        "load_experiment": "zoo.config.load",
        "load_task": "zoo.data.task",
        "read_log": "zoo.data.read_log",
        "reproduce": "zoo.benchmark.reproduce",
        "report": "zoo.html_report.writing",
        "save_artifact": "zoo.artifacts.saving",
        "score": "zoo.benchmark.lists.score_lists",
        "verify": "zoo.benchmark.verify.verify",
    },
)
