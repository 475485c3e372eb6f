# For type checkers and editors: where each public name is defined. A test compares it with the table beside it.

from zoo.artifacts.artifact import Artifact as Artifact
from zoo.artifacts.recommended import Recommendations as Recommendations
from zoo.artifacts.recommended import Recommended as Recommended
from zoo.artifacts.saving import load_artifact as load_artifact
from zoo.artifacts.saving import save_artifact as save_artifact
from zoo.benchmark.compare_rows import PairedComparison as PairedComparison
from zoo.benchmark.compare_rows import compare as compare
from zoo.benchmark.python_calls import bench as bench
from zoo.benchmark.python_calls import fit as fit
from zoo.benchmark.result import BenchmarkResult as BenchmarkResult
from zoo.config.load import load_experiment as load_experiment
from zoo.config.split_settings import Given as Given
from zoo.config.split_settings import LeaveLastOut as LeaveLastOut
from zoo.config.split_settings import StrongGeneralisation as StrongGeneralisation
from zoo.config.split_settings import Temporal as Temporal
from zoo.data.catalogue import Catalogue as Catalogue
from zoo.data.interactions import Interactions as Interactions
from zoo.data.log import Data as Data
from zoo.data.read_log import read_log as read_log
from zoo.data.task import Task as Task
from zoo.data.task import load_task as load_task
from zoo.evaluation.evaluator import Evaluator as Evaluator
from zoo.pipeline.retrieval import Rules as Rules
from zoo.pipeline.unfitted import Pipeline as Pipeline
from zoo.registry.registry import load as load
from zoo.version import __version__ as __version__
