# For type checkers and editors: where each public name is defined. A test compares it with the table beside it.

from zoo.testing.cases import Case as Case
from zoo.testing.cases import Result as Result
from zoo.testing.cases import conformance as conformance
from zoo.testing.requirement import CheckFailedError as CheckFailedError
