"""A cluster of two nodes with a core each, on this machine."""

import os

import pytest

ray = pytest.importorskip("ray", reason="the executor needs Ray")
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (the name of Ray)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@pytest.fixture(scope="session")
def cluster():
    """Return a cluster of two nodes."""
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    started.add_node(num_cpus=1)
    yield started
    started.shutdown()


@pytest.fixture(autouse=True)
def disconnected():
    """Disconnect this process from Ray after each test; some functions of Ray connect it by themselves."""
    yield
    ray.shutdown()
