"""Writes small checkpoints in the layout in which V-MoE's authors publish theirs."""

import pathlib

import msgpack
import numpy as np

D, F, E, P, H, CLASSES = 6, 4, 2, 2, 3, 5
MARK = "__msgpack_array_chunk_a87ca2__"


def small_checkpoint():
    """{name: array}: two blocks on images of 4 x 4, the second with experts, and a step counter beside them."""
    rng = np.random.default_rng(7)
    arrays = {}

    def add(name, *shape):
        arrays["params/" + name] = rng.standard_normal(shape, np.float32)

    add("embedding/kernel", P, P, 3, D)
    add("embedding/bias", D)
    add("cls", 1, 1, D)
    add("Encoder/posembed_input/pos_embedding", 1, 5, D)
    for block in ("Encoder/encoderblock_0/", "Encoder/encoderblock_1/"):
        for norm in ("LayerNorm_0", "LayerNorm_1"):
            add(block + norm + "/scale", D)
            add(block + norm + "/bias", D)
        for part in ("query", "key", "value"):
            add(block + f"SelfAttention/{part}/kernel", D, H, D // H)
            add(block + f"SelfAttention/{part}/bias", H, D // H)
        add(block + "SelfAttention/out/kernel", H, D // H, D)
        add(block + "SelfAttention/out/bias", D)
    dense, moe = "Encoder/encoderblock_0/Mlp/", "Encoder/encoderblock_1/Moe/"
    add(dense + "Dense_0/kernel", D, F)
    add(dense + "Dense_0/bias", F)
    add(dense + "Dense_1/kernel", F, D)
    add(dense + "Dense_1/bias", D)
    add(moe + "Router/dense/kernel", D, E)
    add(moe + "Mlp/Dense_0/kernel", E, D, F)
    add(moe + "Mlp/Dense_0/bias", E, F)
    add(moe + "Mlp/Dense_1/kernel", E, F, D)
    add(moe + "Mlp/Dense_1/bias", E, D)
    add("Encoder/encoder_norm/scale", D)
    add("Encoder/encoder_norm/bias", D)
    add("head/kernel", D, CLASSES)
    add("head/bias", CLASSES)
    arrays["step"] = np.array([7], np.float32)
    return arrays


def packed_values(values, dtype="float32"):
    return msgpack.ExtType(1, msgpack.packb([[values.size], dtype, values.tobytes()]))


def packed_slices(shape, begin, end):
    """Rows begin .. end of the first axis, the other axes whole."""
    bounds = [(begin, end) if axis == 0 else (0, size) for axis, size in enumerate(shape)]
    return msgpack.packb([msgpack.packb([low, high, None]) for low, high in bounds])


def write_partitioned(folder, arrays):
    """PREFIX.index and two shards: arrays whose first axis can be halved have a half in each, others lie in the first;
    each half in two pieces. Returns the prefix. Names are paths."""
    tree = {}
    for name, array in arrays.items():
        *inner, leaf = name.split("/")
        node = tree
        for key in inner:
            node = node.setdefault(key, {})
        node[leaf] = array
    shards, numbers = [{MARK: True}, {MARK: True}], iter(range(len(arrays)))

    def pack(node):
        if isinstance(node, dict):
            return {key: pack(node[key]) for key in sorted(node)}
        halves = np.split(node, 2) if node.shape[0] % 2 == 0 else [node]
        number, slices = str(next(numbers)), []
        for part, half in enumerate(halves):
            slices.append(packed_slices(node.shape, part * half.shape[0], (part + 1) * half.shape[0]))
            flat = half.ravel()
            pieces = [packed_values(flat[: flat.size // 2]), packed_values(flat[flat.size // 2:])]
            shards[part][number] = [[pieces, msgpack.ExtType(6, slices[-1])]]
        shaped = msgpack.packb([list(node.shape), "float32", False, {}])
        return msgpack.ExtType(8, msgpack.packb([shaped, slices, list(range(len(halves)))]))

    index = pack(tree)
    prefix = pathlib.Path(folder) / "ckpt_1"
    pathlib.Path(f"{prefix}.index").write_bytes(msgpack.packb({"shard_count": 2, "index": index, "version": "20220622"}))
    for part, shard in enumerate(shards):
        pathlib.Path(f"{prefix}.data-{part:05}-of-00002").write_bytes(msgpack.packb(shard))
    return str(prefix)
