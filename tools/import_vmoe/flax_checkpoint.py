"""Checkpoints as the authors of V-MoE write them (google-research/vmoe, vmoe/checkpoints).

PREFIX.index is MessagePack with the shape and the slices of every array, PREFIX.data-00000-of-0000N MessagePack
with the slices. Names are the keys of the tree from its root, joined by '/':
"params/Encoder/encoderblock_1/Moe/Router/dense/kernel".
"""

import pathlib
from dataclasses import dataclass

import ml_dtypes
import msgpack
import numpy as np

# Numbers of MessagePack extensions in these files.
ARRAY, SLICE_ND, INDEX_INFO = 1, 6, 8
CHUNKS_MARK = "__msgpack_array_chunk_a87ca2__"
STORED = {"float32": "<f4", "bfloat16": ml_dtypes.bfloat16, "float16": "<f2"}
ROOTS = ("params/", "optimizer/target/", "opt/target/")
DAMAGED = "the checkpoint is damaged or incomplete: fetch it again"


class UserError(Exception):
    """What is wrong, and a hint."""

    def __init__(self, what, hint=DAMAGED):
        super().__init__(what)
        self.hint = hint


@dataclass
class IndexedArray:
    """What the index says of an array; its number in the shards is its place in the list."""
    name: str
    shape: tuple
    shards: list


def unpack(data, where):
    """One MessagePack value that takes all bytes; maps have each key once."""
    def pairs(items):
        keys = [key for key, _ in items]
        if len(set(keys)) != len(keys):
            raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)} twice")
        return dict(items)

    try:
        return msgpack.unpackb(data, object_pairs_hook=pairs, strict_map_key=True)
    except (ValueError, TypeError, UnicodeDecodeError, msgpack.exceptions.UnpackException) as error:
        raise UserError(f"{where}: MessagePack: {error}") from error


def expect(value, kind, where):
    if not isinstance(value, kind) or isinstance(value, bool):
        names = {dict: "a map", list: "an array", int: "a whole number", bytes: "bytes", str: "text"}
        raise UserError(f"{where}: expected {names[kind]}")
    return value


def array_of(value, size, where):
    if len(expect(value, list, where)) != size:
        raise UserError(f"{where}: {len(value)} parts, expected {size}")
    return value


def shape_of(value, where):
    shape = tuple(expect(size, int, where) for size in expect(value, list, where))
    if any(size < 0 or size > 1 << 40 for size in shape):
        raise UserError(f"{where}: the shape {list(shape)}")
    return shape


def leaves(tree, name, where):
    """Entries of the index in the order in which jax numbers them: by the sorted keys of every map."""
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from leaves(tree[key], f"{name}/{key}" if name else key, where)
    elif tree is not None:  # jax has no leaf for None
        if not isinstance(tree, msgpack.ExtType) or tree.code != INDEX_INFO:
            raise UserError(f"{where}: {name}: expected an entry of the index")
        shaped, _, shards = array_of(unpack(tree.data, where), 3, f"{where}: {name}")
        shaped = unpack(expect(shaped, bytes, where), where)
        if not expect(shaped, list, where):
            raise UserError(f"{where}: {name}: no shape")
        yield IndexedArray(name, shape_of(shaped[0], where), [expect(s, int, where) for s in expect(shards, list, where)])


def read_index(prefix):
    """The number of shards, and the arrays in their order."""
    where = f"{prefix}.index"
    root = expect(unpack(read_file(where), where), dict, where)
    for key in ("shard_count", "index"):
        if key not in root:
            raise UserError(f'{where}: no "{key}"')
    return expect(root["shard_count"], int, where), list(leaves(root["index"], "", where))


def read_file(name):
    try:
        return pathlib.Path(name).read_bytes()
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}") from error


def values_of(packed, where):
    """flax packs an array as (shape, dtype, bytes). Float32, flat."""
    if not isinstance(packed, msgpack.ExtType) or packed.code != ARRAY:
        raise UserError(f"{where}: expected an array")
    shape, dtype, data = array_of(unpack(packed.data, where), 3, where)
    dtype = dtype.decode() if isinstance(dtype, bytes) else dtype
    if dtype not in STORED:
        raise UserError(f"{where}: the dtype {dtype}, expected {', '.join(STORED)}")
    stored = np.dtype(STORED[dtype])
    count = int(np.prod(shape_of(shape, where), dtype=object))
    if len(expect(data, bytes, where)) != count * stored.itemsize:
        raise UserError(f"{where}: {len(data)} bytes for an array of {count} elements")
    return np.frombuffer(data, stored).astype(np.float32)


def place(pair, array, where):
    """Copies one dense block into its slice of `array`; how many elements."""
    pieces, slices = array_of(pair, 2, where)
    block = np.concatenate([values_of(piece, where) for piece in expect(pieces, list, where)] or [np.empty(0, np.float32)])
    if not isinstance(slices, msgpack.ExtType) or slices.code != SLICE_ND:
        raise UserError(f"{where}: a part without its slice")
    bounds = []
    for packed in expect(unpack(slices.data, where), list, where):  # (start, stop, step) of each axis
        begin, end, _ = array_of(unpack(expect(packed, bytes, where), where), 3, where)
        bounds.append((expect(begin, int, where), expect(end, int, where)))
    if len(bounds) != array.ndim:
        raise UserError(f"{where}: {len(bounds)} slices for {array.ndim} axes")
    for (begin, end), size in zip(bounds, array.shape):
        if not 0 <= begin <= end <= size:
            raise UserError(f"{where}: a slice {begin}:{end} of an axis of {size}")
    target = array[tuple(slice(*bound) for bound in bounds)] if bounds else array
    if block.size != target.size:
        raise UserError(f"{where}: {block.size} values for a slice of {target.size}")
    target[...] = block.reshape(target.shape)
    return block.size


def parameters_prefix(prefix):
    """Where the model's parameters begin: one of ROOTS, or "" for a tree that holds them alone."""
    _, arrays = read_index(prefix)
    return max((root for root in ROOTS if any(array.name.startswith(root) for array in arrays)), default="")


def read_checkpoint(prefix, under):
    """{name: float32 array} of the names that begin with `under`. UserError names file and array: a shard that is
    missing or damaged, slices that leave gaps or reach over the edge, other dtypes."""
    shard_count, indexed = read_index(prefix)
    wanted = {number: array for number, array in enumerate(indexed) if array.name.startswith(under)}
    arrays = {array.name: np.zeros(array.shape, np.float32) for array in wanted.values()}
    filled = dict.fromkeys(arrays, 0)
    for shard in sorted({shard for array in wanted.values() for shard in array.shards}):
        if not 0 <= shard < shard_count:
            raise UserError(f"{prefix}.index: shard {shard} of {shard_count}")
        file = f"{prefix}.data-{shard:05}-of-{shard_count:05}"
        parts = expect(unpack(read_file(file), file), dict, file)
        if CHUNKS_MARK not in parts:
            raise UserError(f"{file}: no parts of arrays in it")
        for number, array in wanted.items():
            where = f"{file}: {array.name}"
            for pair in expect(parts.get(str(number), []), list, where):
                filled[array.name] += place(pair, arrays[array.name], where)
    for name, array in arrays.items():
        if filled[name] != array.size:
            raise UserError(f"{prefix}: {name}: {filled[name]} of {array.size} values are in the shards")
    return arrays
