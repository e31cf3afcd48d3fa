"""Arrays of V-MoE and E3 in flax's layout to tensors and config.json of an `espalier_vmoe` folder
(docs/formats/checkpoint.md). flax's kernels [in, out] become [out, in], experts [E, ..] become a tensor each."""

import math

from flax_checkpoint import UserError

EXPECTED = "expected a V-MoE or E3 checkpoint of google-research/vmoe"


class Importer:
    """Takes arrays by their names after `prefix`, and remembers which were taken."""

    def __init__(self, arrays, prefix, source):
        self.arrays, self.prefix, self.source = arrays, prefix, source
        self.used, self.tensors = set(), {}

    def fail(self, what):
        raise UserError(f"{self.source}: {what}", EXPECTED)

    def find(self, name):
        if self.prefix + name not in self.arrays:
            return None
        self.used.add(self.prefix + name)
        return self.arrays[self.prefix + name]

    def get(self, name, axes=None):
        array = self.find(name)
        if array is None:
            self.fail(f"the array {self.prefix}{name} is missing")
        if axes is not None and array.ndim != axes:
            self.fail(f"{self.prefix}{name} is {list(array.shape)}, expected {axes} axes")
        return array

    def store(self, name, array, shape):
        """The same values under another shape."""
        if array.size != math.prod(shape):
            self.fail(f"{array.size} values for {name} {list(shape)}")
        self.tensors[name] = array.reshape(shape)

    def linear(self, source, name):
        """A kernel of any number of axes, of which the bias tells how many values are outputs: they come last."""
        kernel, bias = self.get(source + "/kernel"), self.get(source + "/bias")
        if bias.size == 0 or kernel.size % bias.size != 0:
            self.fail(f"{self.prefix}{source}: {kernel.size} weights for {bias.size} outputs")
        self.tensors[name + ".weight"] = kernel.reshape(-1, bias.size).T
        self.tensors[name + ".bias"] = bias.reshape(-1)

    def norm(self, source, name, width):
        self.store(name + ".weight", self.get(source + "/scale"), (width,))
        self.store(name + ".bias", self.get(source + "/bias"), (width,))

    def experts(self, source, name, role, count):
        kernel, bias = self.get(source + "/kernel", 3), self.get(source + "/bias", 2)
        if kernel.shape[0] != count or bias.shape != (count, kernel.shape[2]):
            self.fail(f"{self.prefix}{source}: kernel {list(kernel.shape)} and bias {list(bias.shape)} are not of {count} experts")
        for e in range(count):
            self.tensors[f"{name}{e}.{role}.dense.weight"] = kernel[e].T
            self.tensors[f"{name}{e}.{role}.dense.bias"] = bias[e]


def read_sizes(importer, options):
    """config.json: what the shapes tell, and what `options` say."""
    patch = importer.get("embedding/kernel", 4)
    positions = importer.get("Encoder/posembed_input/pos_embedding", 3).shape[1]
    if patch.shape[0] != patch.shape[1] or patch.shape[2] != 3:
        importer.fail(f"embedding/kernel is {list(patch.shape)}, expected square patches of 3 channels")
    grid = math.isqrt(max(positions - 1, 0))
    if grid * grid + 1 != positions:
        importer.fail(f"{positions} positions, expected a square grid and the class token")
    blocks = 0
    while importer.find(f"Encoder/encoderblock_{blocks}/LayerNorm_0/scale") is not None:
        blocks += 1
    if blocks == 0:
        importer.fail("no encoderblock_0")
    experts, inner = {}, 0
    for block in range(blocks):
        name = f"Encoder/encoderblock_{block}/"
        if importer.find(name + "Moe/Router/dense/kernel") is not None:
            experts[block] = importer.get(name + "Moe/Router/dense/kernel", 2).shape[1]
            inner = importer.get(name + "Moe/Mlp/Dense_0/kernel", 3).shape[2]
        else:
            inner = importer.get(name + "Mlp/Dense_0/kernel", 2).shape[1]
    counts = list(experts.values())
    classes = importer.get("head/kernel", 2).shape[1]
    return {
        "model_type": "espalier_vmoe", "image_size": grid * patch.shape[0], "patch_size": patch.shape[0],
        "hidden_size": patch.shape[3], "num_hidden_layers": blocks, "intermediate_size": inner,
        "num_attention_heads": importer.get("Encoder/encoderblock_0/SelfAttention/query/kernel", 3).shape[1],
        "layer_norm_eps": 1e-6, "hidden_dropout_prob": 0.0, "initializer_range": 0.02,
        "id2label": {str(i): f"LABEL_{i}" for i in range(classes)},
        "moe_layers": list(experts), "num_experts": counts, "router_rows": counts, "capacity_experts": counts,
        "num_experts_per_tok": options.experts_per_token, "router": "token_choice",
        "capacity_factor": options.capacity_factor, "batch_prioritized": False, "router_noise": 1.0,
        "ensemble_size": options.ensemble_size,
    }


def add_block(importer, block, config):
    source, name, width = f"Encoder/encoderblock_{block}/", f"encoder.layer.{block}.", config["hidden_size"]
    importer.norm(source + "LayerNorm_0", name + "attention_norm", width)
    importer.norm(source + "LayerNorm_1", name + "feed_forward_norm", width)
    for part in ("query", "key", "value"):
        importer.linear(f"{source}SelfAttention/{part}", f"{name}attention.{part}")
    importer.linear(source + "SelfAttention/out", name + "attention.output")
    if block not in config["moe_layers"]:
        importer.linear(source + "Mlp/Dense_0", name + "intermediate.dense")
        importer.linear(source + "Mlp/Dense_1", name + "output.dense")
        return
    count = config["num_experts"][config["moe_layers"].index(block)]
    router = importer.get(source + "Moe/Router/dense/kernel", 2)
    importer.store(name + "moe.router.weight", router.T, (count, width))
    importer.experts(source + "Moe/Mlp/Dense_0", name + "moe.experts.", "intermediate", count)
    importer.experts(source + "Moe/Mlp/Dense_1", name + "moe.experts.", "output", count)


def check_shapes(config, tensors):
    """Every matrix of one width. UserError names the first tensor that has another shape."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    expected = {"embeddings.patch": (width, 3 * config["patch_size"] ** 2), "classifier": (len(config["id2label"]), width),
                "intermediate.dense": (inner, width), "output.dense": (width, inner)}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind not in ("weight", "bias") or layer.endswith(("_norm", ".norm", "router")):
            continue
        shape = expected.get(layer) or expected.get(".".join(layer.split(".")[-2:])) or (width, width)
        if tensor.shape != (shape if kind == "weight" else shape[:1]):
            raise UserError(f"{name}: {list(tensor.shape)}, the checkpoint's shapes make no model of one width", EXPECTED)
    if width % config["num_attention_heads"] != 0:
        raise UserError(f"{config['num_attention_heads']} heads do not divide the width {width}", EXPECTED)


def import_vmoe(arrays, prefix, options, source):
    """(config, {name: tensor}, names of arrays that no part of the model reads)."""
    importer = Importer(arrays, prefix, source)
    config = read_sizes(importer, options)
    width, patches = config["hidden_size"], (config["image_size"] // config["patch_size"]) ** 2
    importer.linear("embedding", "embeddings.patch")
    importer.store("embeddings.class_token", importer.get("cls"), (width,))
    importer.store("embeddings.position", importer.get("Encoder/posembed_input/pos_embedding"), (patches + 1, width))
    for block in range(config["num_hidden_layers"]):
        add_block(importer, block, config)
    importer.norm("Encoder/encoder_norm", "encoder.norm", width)
    importer.linear("head", "classifier")
    check_shapes(config, importer.tensors)
    return config, importer.tensors, sorted(set(arrays) - importer.used)
