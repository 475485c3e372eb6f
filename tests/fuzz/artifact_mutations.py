"""Mutations of an artifact's folder: raw bytes, and changes of meaning under checksums that fit."""

import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file

from zoo.artifacts.manifest import NAME, add_checksum, file_digest

INTEGERS = (-(2**63), -(2**31), -1_000_000, -1, 0, 1, 2, 100, 10**6, 2**31 - 1, 2**31, 2**63 - 1)
NUMBERS = (*INTEGERS, 2**64, 10**30, float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 1e-320, -0.0, 0.5)
LEAVES = (*NUMBERS, None, True, False, "", "x", "\0", "é" * 100, [], {}, [[]], ["x"], [None], {"x": 1})
COMPONENTS = (
    "als", "ease", "item-knn", "popular", "transition-graph", "content-knn", "sasrec", "mmr", "borda", "lambdamart", "tf-idf",
    "tabular", "allow-list", "available", "gone",
)  # fmt: skip


def mutate(folder: Path, rng: random.Random) -> str:
    """Change a folder in one place, and return what was changed."""
    kinds = {change_bytes: 15, change_tensors: 45, change_state: 20, change_manifest: 15, change_table: 5}
    (kind,) = rng.choices(list(kinds), list(kinds.values()))
    return f"{kind.__name__}: {kind(folder, rng)}"


def change_bytes(folder: Path, rng: random.Random) -> str:
    """Change the bytes of a file; half of the time, under a new checksum."""
    path = rng.choice(sorted(folder.iterdir()))
    change = damage_file(path, rng)
    sealed = path.name != NAME and rng.random() < 0.5
    if sealed:
        seal(folder)
    return f"{change}{', sealed' if sealed else ''}"


def damage_file(path: Path, rng: random.Random) -> str:
    """Change, cut or insert bytes of a file, and return what was changed."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(max(len(content), 1))
    how = rng.choice(["flip", "cut", "insert", "overwrite", "rotate"])
    if how == "flip" and content:
        content[at] ^= 1 << rng.randrange(8)
    elif how == "cut":
        content = content[:at]
    elif how == "insert":
        content[at:at] = rng.randbytes(rng.randrange(1, 9))
    elif how == "overwrite":
        content[at : at + 8] = rng.randbytes(8)
    else:
        content = content[at:] + content[:at]
    path.write_bytes(bytes(content))
    return f"{how} at byte {at} of {path.name}"


def change_tensors(folder: Path, rng: random.Random) -> str:
    """Change the values, the type, the shape or the name of a tensor."""
    path = rng.choice(sorted(folder.glob("*.safetensors")) or [folder / "none"])
    if not path.exists():
        return change_state(folder, rng)
    tensors = load_file(path)
    name = rng.choice(sorted(tensors))
    tensor = tensors[name].clone()
    how = rng.choice(["value", "value", "value", "values", "type", "shorter", "longer", "axis", "name", "gone", "swap"])
    if how in ("value", "values"):
        number = rng.choice(NUMBERS)
        flat = tensor.reshape(-1)
        places = [rng.randrange(max(len(flat), 1)) for _ in range(1 if how == "value" else max(len(flat) // 10, 2))]
        limits = None if tensor.is_floating_point() or tensor.dtype == torch.bool else torch.iinfo(tensor.dtype)
        for at in places if len(flat) else ():
            if limits is None:
                flat[at] = torch.tensor(float(number), dtype=torch.float64).to(tensor.dtype)
            else:
                finite = int(number) if number == number and abs(number) != float("inf") else 7
                flat[at] = min(max(finite, limits.min), limits.max)
        tensors[name], what = flat.reshape(tensor.shape), f"{number} at {places[:3]}"
    elif how == "type":
        other = rng.choice(
            [torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool]
        )
        tensors[name], what = tensor.to(other), str(other)
    elif how == "shorter":
        tensors[name], what = tensor.reshape(-1, *tensor.shape[1:])[: rng.randrange(max(len(tensor), 1))] if tensor.dim() else tensor[None], ""  # fmt: skip
    elif how == "longer":
        tensors[name], what = torch.cat([tensor, tensor]) if tensor.dim() else tensor[None], ""
    elif how == "axis":
        tensors[name], what = rng.choice([tensor[None], tensor.reshape(-1), tensor.T if tensor.dim() == 2 else tensor[None]]), ""  # fmt: skip
    elif how == "name":
        tensors[name + "x"], what = tensors.pop(name), ""
    elif how == "gone":
        del tensors[name]
        what = ""
    else:
        other = rng.choice(sorted(tensors))
        tensors[name], tensors[other], what = tensors[other], tensor, other
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, path)
    seal(folder)
    return f"{how} of {name} in {path.name} {what}"


def change_state(folder: Path, rng: random.Random) -> str:
    """Change a value in `state.json`."""
    path = folder / "state.json"
    values = json.loads(path.read_text())
    place = change_json(values, rng)
    path.write_text(json.dumps(values))
    seal(folder)
    return place


def change_manifest(folder: Path, rng: random.Random) -> str:
    """Change a value in `zoo.json`, or put another component in the place of one."""
    plain = json.loads((folder / NAME).read_text())
    files = plain.pop("files")
    parts = [
        plain["model"]["predictor"],
        *(p for k in ("featurizers", "filters", "rankers") for p in plain["model"][k]),
    ]
    if rng.random() < 0.2:
        part = rng.choice(parts)
        part["name"] = place = rng.choice(COMPONENTS)
    else:
        place = change_json(rng.choice([plain, plain["log"], *parts]), rng)
    plain["files"] = files
    seal(folder, plain)
    return place


def change_table(folder: Path, rng: random.Random) -> str:
    """Change the rows, a column or a value of a table."""
    path = rng.choice(sorted(folder.glob("*.parquet")))
    table = pq.read_table(path)
    name = rng.choice(table.column_names)
    how = rng.choice(["rows", "more rows", "null", "type", "gone", "repeated"])
    at, column = rng.randrange(len(table)), table[name].combine_chunks()
    if how == "rows":
        table = table.slice(0, at)
    elif how == "more rows":
        table = pa.concat_tables([table, table])
    elif how == "gone":
        table = table.drop_columns([name])
    elif how == "type":
        table = table.set_column(0, table.column_names[0], pa.array(range(len(table))))
    else:
        values = column.to_pylist()
        values[at] = None if how == "null" else values[0]
        table = table.set_column(table.column_names.index(name), name, pa.array(values, column.type))
    pq.write_table(table, path)
    seal(folder)
    return f"{how} at {at} of {name} in {path.name}"


def change_json(value: dict | list, rng: random.Random) -> str:
    """Change one value somewhere in a JSON value, and return its path."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not keys:
        value.update(x=1) if isinstance(value, dict) else value.append(rng.choice(LEAVES))
        return "+"
    key = rng.choice(keys)
    inner = value[key]
    if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
        return f"{key}.{change_json(inner, rng)}"
    how = rng.choice(["replace", "replace", "gone", "repeat"])
    if isinstance(inner, str) and len(inner) > 40 and rng.random() < 0.9:
        value[key] = change_text(inner, rng)
    elif how == "gone":
        del value[key]
    elif how == "repeat" and isinstance(value, list):
        value.insert(key, inner)
    else:
        value[key] = rng.choice(LEAVES)
    return f"{key} ({how})"


def change_text(text: str, rng: random.Random) -> str:
    """Change a number, a line or the end of a long text; a text that is JSON is changed as JSON."""
    if text.startswith("{") and rng.random() < 0.8:
        values = json.loads(text)
        change_json(values, rng)
        return json.dumps(values)
    how, lines = rng.choice(["number", "number", "number", "line", "twice", "cut"]), text.split("\n")
    at = rng.randrange(len(lines))
    if how == "number" and (found := list(re.finditer(r"-?\d+(\.\d+)?", text))):
        match = rng.choice(found)
        return f"{text[: match.start()]}{rng.choice(NUMBERS)}{text[match.end() :]}"
    if how == "line":
        return "\n".join(lines[:at] + lines[at + 1 :])
    if how == "twice":
        return "\n".join(lines[: at + 1] + lines[at:])
    return text[: rng.randrange(len(text))]


def seal(folder: Path, plain: dict | None = None) -> None:
    """Make the manifest agree with the files: sizes, hashes, tensors and its own checksum."""
    if plain is None:
        plain = json.loads((folder / NAME).read_text())
    plain.pop("checksum", None)
    for path in sorted(folder.iterdir()):
        if path.name != NAME and isinstance(plain.get("files"), dict):
            entry = plain["files"].setdefault(path.name, {"tensors": {}})
            entry.update(size=path.stat().st_size, blake2b=file_digest(path))
            if path.suffix == ".safetensors":
                entry["tensors"] = tensors_of(path) or entry["tensors"]
    (folder / NAME).write_text(add_checksum(plain))


def tensors_of(path: Path) -> dict[str, dict]:
    """Return the types and shapes of a file's tensors; nothing if it cannot be read."""
    try:
        found = load_file(path)
    except Exception:  # the file is damaged on purpose
        return {}
    return {key: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape)} for key, t in found.items()}
