"""Run a bare loop and print a JSON line.

python -m bare eval FOLDER
python -m bare ease FOLDER [L2]
python -m bare sasrec FOLDER LENGTH softmax|sampled EPOCHS [BLOCKS] [DIM] [DROPOUT] [BATCH]
python -m bare implicit FOLDER ALS|KNN
python -m bare diffsort N BATCH
"""

import json
import os
import sys

import torch

from bare.ease import ease
from bare.evaluation import evaluate
from bare.libraries import diffsort, implicit
from bare.sasrec import sasrec

COMMANDS = {"eval": evaluate, "ease": ease, "sasrec": sasrec, "implicit": implicit, "diffsort": diffsort}


def value(text):
    """Return a number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    name, *arguments = sys.argv[1:]
    print(json.dumps(COMMANDS[name](*map(value, arguments))))
