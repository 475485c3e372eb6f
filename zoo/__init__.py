"""ShopZoo: a pluggable model zoo for e-commerce recommendation. Importing it imports nothing heavy.

    import zoo

    store = zoo.bench("experiment.toml")  # compare models
    artifact = zoo.fit("experiment.toml", "als")  # fit one of them
    artifact.recommend("c000001", k=5)

`zoo.api` has what a plugin imports, `zoo.nn` its building blocks, `zoo.testing` the checks it has to pass. Names outside
these four modules may change without notice.
"""

from zoo.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Artifact": "zoo.artifacts.artifact",
        "Catalogue": "zoo.data.catalogue",
        "Evaluator": "zoo.evaluation.evaluator",
        "Given": "zoo.config.split_settings",
        "Interactions": "zoo.data.interactions",
        "LeaveLastOut": "zoo.config.split_settings",
        "Pipeline": "zoo.pipeline.unfitted",
        "Rules": "zoo.pipeline.retrieval",
        "StrongGeneralisation": "zoo.config.split_settings",
        "Task": "zoo.data.task",
        "Temporal": "zoo.config.split_settings",
        "__version__": "zoo.version",
        "bench": "zoo.benchmark.runner",
        "fit": "zoo.benchmark.fit_model",
        "load": "zoo.registry.registry",
        "load_artifact": "zoo.artifacts.saving",
        "load_experiment": "zoo.config.load",
        "load_task": "zoo.data.task",
        "read_log": "zoo.data.read_log",
        "save_artifact": "zoo.artifacts.saving",
    },
)
