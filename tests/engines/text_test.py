"""Token ids and texts as sentencepiece and Hugging Face's tokenizers make them: edge texts and random ones.

    ESPALIER_PROGRAM=.. python tests/engines/text_test.py

TEXT_TEST_ROUNDS (default 1) multiplies the random texts; ESPALIER_SHARED_DATA adds published tokenizers.
"""

import gzip
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unicodedata
import unittest

import sentencepiece
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["ESPALIER_PROGRAM"]
ROUNDS = int(os.environ.get("TEXT_TEST_ROUNDS", "1"))
DATA = pathlib.Path(os.environ.get("ESPALIER_SHARED_DATA", ROOT / "../shared/data")) / "tokenizers"

EDGES = [" ", "  ", "\n", " \n", "\n ", "a", " a", "a ", "a  b", "\t", "a\tb", "\u2581", "a\u2581b", "\u2581\u2581 a", "\r\n", "a \n b", "x\u00a0y",
         "\u3000", "e\u0301", "\u00e9", "\u0130I\u0131", "\u00df\u1e9e", "\u03a3\u03c2", "\ud55c\uad6d", "\u65e5\u672c\u8a9e", "\U0001F642", "\U0001F469\u200d\U0001F680", "\ufffd", "\u0000b",
         "12345678", "3.14,15", "don't I'LL", "a_b-c", "\u0661\u0662\u0663", "\u0939\u093f\u0928", "\u0e44\u0e17\u0e22", "<s>", "</s>", "<0x41>", "##a", "[MASK]", "\u1680x", "\u180e",
         "\u200b", "\u200d", "\u2028x\u2029", "\u0085", "\x0b\x0c", "\x1c", "A" * 300, " " * 40, "ab" * 200]
ALPHABETS = ["ab ", "abcdefghijklmnopqrstuvwxyz  ", "aA.,!?'\"-_ \n\t", "\u2581 ab", "\u00e9e\u0301\u00fc\u0308 a", "\u65e5\u672c\u8a9ea ", "\U0001F642\u200d\ufe0f a", "0123456789., ",
             "<|im_start|>user [tool]x ", "'sdtmlrev SDTMLREV", "\u0915\u094d\u0937\u093f \u0e01\u0e33", " \u00a0\u3000\u2003\t\r\n\x0b\u0085"]


def is_old(character):
    """Of Unicode 3.2, and of the same kind since: all libraries agree on these. Others differ by the age of each table
    (docs/design/text.md)."""
    category = unicodedata.ucd_3_2_0.category(character)
    return category not in ("Cn", "Cs") and category == unicodedata.category(character)


def random_texts(rng, count):
    texts = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.6:
            alphabet = rng.choice(ALPHABETS)
            texts.append("".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 40))))
        elif kind < 0.8:
            texts.append("".join(rng.choice(EDGES) for _ in range(rng.randrange(1, 6))))
        else:
            points = (rng.choice([rng.randrange(1, 0x250), rng.randrange(1, 0x3000), rng.randrange(1, 0x110000)]) for _ in range(rng.randrange(1, 20)))
            texts.append("".join(filter(is_old, map(chr, points))))
    return [text for text in texts if text]


def espalier(*words):
    run = subprocess.run([PROGRAM, *map(str, words), "--quiet"], capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"espalier {' '.join(map(str, words))}: {run.stderr}")


class Texts(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        self.folder = pathlib.Path(self.work.name)
        self.rng = random.Random(self.id())

    def ids(self, tokenizer, texts):
        lines = self.folder / "texts.jsonl"
        lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        espalier("tokenize", tokenizer, "--text", lines, "--no-special", "--out", self.folder / "tokens.json")
        return json.loads((self.folder / "tokens.json").read_text())["sequences"]

    def texts(self, tokenizer, sequences):
        (self.folder / "ids.json").write_text(json.dumps({"sequences": sequences}))
        espalier("tokenize", tokenizer, "--decode", self.folder / "ids.json", "--out", self.folder / "out.json")
        return json.loads((self.folder / "out.json").read_text())["texts"]

    def compare(self, name, tokenizer, encode, decode, size, texts, left_out=(), count=400, not_in_texts=()):
        texts = list(texts) + EDGES + random_texts(self.rng, count * ROUNDS)
        texts = [text for text in texts if not any(part in text for part in not_in_texts)]
        wrong = []
        for text, ours in zip(texts, self.ids(tokenizer, texts)):
            theirs = encode(text)
            if ours != theirs:
                wrong.append(f"{text!r}: {ours}, theirs {theirs}")
        known = [i for i in range(size) if i not in left_out]
        sequences = [[self.rng.choice(known) for _ in range(self.rng.randrange(1, 12))] for _ in range(count * ROUNDS)]
        sequences += [ids for ids in map(encode, texts) if ids]
        sequences = [[i for i in ids if i not in left_out] for ids in sequences]
        sequences = [ids for ids in sequences if ids]
        for ids, ours in zip(sequences, self.texts(tokenizer, sequences)):
            theirs = decode(ids)
            if theirs is not None and ours != theirs:
                wrong.append(f"{ids}: {ours!r}, theirs {theirs!r}")
        self.assertFalse(wrong, f"{name}: {len(wrong)} differ\n" + "\n".join(wrong[:8]))


class SentencePiece(Texts):
    USER = ["<|im_start|>", "\u2581\n", "[tool]", "ab", "\u2581ab", "x "]

    def model(self, **options):
        corpus = self.folder / "corpus.txt"
        corpus.write_text("\n".join(file.read_text() for file in sorted((ROOT / "docs").rglob("*.md"))))
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=str(self.folder / "tokenizer"), vocab_size=900, model_type="bpe", character_coverage=0.99,
            normalization_rule_name="identity", minloglevel=2, **options)
        return self.folder / "tokenizer.model"

    def agree(self, **options):
        self.agree_with(self.model(**options), str(options))

    def agree_with(self, file, name, count=400):
        theirs = sentencepiece.SentencePieceProcessor(model_file=str(file))
        special = {i for i in range(theirs.get_piece_size()) if theirs.is_control(i) or theirs.is_unknown(i)}
        # A control piece written in a text is a token here, as in transformers, and letters to sentencepiece.
        texts = ["<|im_start|>user", "a<|im_start|> \n b", "x  ab", " ab", "abab"]
        self.compare(name, file, theirs.encode, theirs.decode, theirs.get_piece_size(), texts, special, count,
                     not_in_texts=("<s>", "</s>", "<unk>"))

    def test_with_bytes(self):
        self.agree(byte_fallback=True, remove_extra_whitespaces=False)

    def test_with_user_defined_pieces(self):
        self.agree(byte_fallback=True, remove_extra_whitespaces=False, user_defined_symbols=self.USER)

    def test_with_unknown_pieces(self):
        self.agree(byte_fallback=False, remove_extra_whitespaces=False, user_defined_symbols=self.USER)

    def test_with_spaces_taken_away(self):
        self.agree(byte_fallback=True, remove_extra_whitespaces=True, user_defined_symbols=self.USER)

    def test_without_a_space_in_front(self):
        self.agree(byte_fallback=True, remove_extra_whitespaces=False, add_dummy_prefix=False, user_defined_symbols=self.USER)


    def test_published_models(self):
        for file in ("llama2/tokenizer.model", "mistral/tokenizer.model.v1"):
            if not (DATA / file).exists():
                self.skipTest(f"{DATA / file} is not there")
            self.agree_with(DATA / file, str(file), 3000)


class Tokenizers(Texts):
    ADDED = [AddedToken("<|im_start|>", special=True, normalized=False), AddedToken("[tool]", lstrip=True), AddedToken("ab", single_word=True),
             AddedToken("A.", rstrip=True), AddedToken(" x", rstrip=True, lstrip=True, normalized=False), AddedToken("\u00c9t", normalized=True),
             AddedToken("user", single_word=True, normalized=False, lstrip=True, rstrip=True)]
    TEXTS = ["a [tool] b", "ab abc ab_ ab\u0301 ab", "A.  x  A. x", "\u00c9t \u00e9t E\u0301t", "a user b", "users user", "  x", "A. \n x[tool]  user", "ab\u200dab", "\u2460ab"]

    @staticmethod
    def decoded(tokenizer, ids):
        """None where the library itself gives up (a Strip of more than there is)."""
        try:
            return tokenizer.decode(ids, skip_special_tokens=True)
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            return None

    def agree(self, name, tokenizer, texts=TEXTS, count=400):
        file = self.folder / "tokenizer.json"
        tokenizer.save(str(file))
        special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
        self.compare(name, file, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
                     lambda ids: self.decoded(tokenizer, ids), tokenizer.get_vocab_size(), texts, special, count)

    @staticmethod
    def characters(byte_pieces=range(0), **options):
        vocabulary = {piece: i for i, piece in enumerate(["<unk>", "\u2581", "a", "b", "c", "\u2581a", "ab", "e", "s", "t", "x"])}
        for byte in byte_pieces:
            vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
        return models.BPE(vocab=vocabulary, merges=[("\u2581", "a"), ("a", "b")], **options)

    def llama(self, model):
        tokenizer = tokenizers.Tokenizer(model)
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        return tokenizer

    def test_bytes_and_unknown_pieces(self):
        holes = [byte for byte in range(256) if byte % 7 and byte != 0xE2]
        for fuse in (False, True):
            for pieces in (range(256), holes, range(0)):
                model = self.characters(pieces, byte_fallback=True, unk_token="<unk>", fuse_unk=fuse)
                self.agree(f"fuse {fuse}, {len(pieces)} bytes", self.llama(model))
        self.agree("no unknown piece", self.llama(self.characters(holes, byte_fallback=True)))

    def test_added_tokens(self):
        for normalizer in (None, normalizers.Lowercase(), normalizers.NFD()):
            tokenizer = tokenizers.Tokenizer(self.characters(range(256), byte_fallback=True))
            if normalizer:
                tokenizer.normalizer = normalizer
            tokenizer.decoder = decoders.ByteFallback()
            tokenizer.add_tokens(self.ADDED)
            self.agree(f"added, {normalizer}", tokenizer)

    def test_bytes(self):
        letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
        tokenizer = tokenizers.Tokenizer(models.BPE(vocab=letters, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_tokens(self.ADDED)
        self.agree("byte level", tokenizer)

    def test_word_pieces(self):
        letters = "abcdefghijklmnopqrstuvwxyzA\u00e9\u00fc\u65e5\u672c\u03c3.,!?'[]"
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters), "user", "##er", "ab"]
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        for lower in (True, False):
            for strip in (None, True, False):
                for clean, cjk in ((True, True), (True, False), (False, True)):
                    for added in ([], self.ADDED):
                        tokenizer = tokenizers.Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]", max_input_chars_per_word=20))
                        tokenizer.normalizer = normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=cjk, strip_accents=strip, lowercase=lower)
                        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
                        tokenizer.decoder = decoders.WordPiece(prefix="##")
                        tokenizer.add_special_tokens(["[MASK]"])
                        tokenizer.add_tokens(added)
                        self.agree(f"lower {lower}, strip {strip}, clean {clean}, cjk {cjk}, {len(added)} added", tokenizer, count=60)

    def test_decoders(self):
        for decoder in (decoders.Metaspace(), decoders.Metaspace(prepend_scheme="never"), decoders.WordPiece(cleanup=False), decoders.Fuse(),
                        decoders.Sequence([decoders.Replace("a", "bb"), decoders.Fuse(), decoders.Replace("bb", "c"), decoders.Strip("c", 2, 1)]),
                        decoders.Sequence([decoders.ByteFallback(), decoders.Strip("a", 1, 1), decoders.Fuse(), decoders.Strip("b", 0, 2)])):
            tokenizer = tokenizers.Tokenizer(self.characters(range(256), byte_fallback=True))
            tokenizer.decoder = decoder
            self.agree(str(decoder), tokenizer)

    # Expressions of published tokenizers, and of the dialect what they do not use. A space in front of each part shows
    # where texts are cut.
    PATTERNS = {
        "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "gpt-4o": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "deepseek-v3": "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
        "cjk": "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        "han": r"\p{Han}+|[\p{Hiragana}\p{Katakana}]+|\d",
        "sets": r"[\p{L}&&[^\p{Lu}]]+|[^a[0-9]\s]|\w+?\b",
        "quantifiers": r"(?:a{1,2}+|b*+)c|a{2}?b|(?<=a)b|(?<!\s)-|(?>ab|a)b",
        "classes": r"\h+|[\w&&\D]+|\W\S",
    }

    def test_patterns(self):
        letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
        for name, pattern in self.PATTERNS.items():
            for behavior in ("isolated", "removed", "merged_with_previous"):
                tokenizer = tokenizers.Tokenizer(models.BPE(vocab=letters, merges=[]))
                tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                    [pre_tokenizers.Split(tokenizers.Regex(pattern), behavior), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
                tokenizer.decoder = decoders.ByteLevel()
                self.agree(f"{name}, {behavior}", tokenizer, count=300)

    def published(self):
        read = lambda file: json.loads(gzip.open(DATA / file).read() if file.endswith(".gz") else (DATA / file).read_text())
        merges = lambda file: [line for line in (DATA / file).read_text().split("\n") if line and not line.startswith("#version")]
        yield "olmo", read("gpt-neox-olmo/allenai_gpt-neox-olmo-dolma-v1_5.json.gz")
        qwen = read("qwen2-qwen3/tokenizer_without_vocab.json")
        qwen["model"]["vocab"], qwen["model"]["merges"] = read("qwen2-qwen3/vocab.json.gz"), merges("qwen2-qwen3/merges.txt")
        yield "qwen", qwen
        bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        yield "gpt2", {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": bytes_, "post_processor": None, "decoder": bytes_,
                       "model": {"type": "BPE", "vocab": read("gpt2/vocab.json"), "merges": merges("gpt2/merges.txt")}}

    def test_published_patterns(self):
        if not DATA.exists():
            self.skipTest(f"{DATA} is not there")
        for name, content in self.published():
            self.agree(name, tokenizers.Tokenizer.from_str(json.dumps(content)), count=3000)

    def test_a_published_vocabulary(self):
        file = DATA / "bert-base-uncased/vocab.txt"
        if not file.exists():
            self.skipTest(f"{file} is not there")
        theirs = tokenizers.BertWordPieceTokenizer(str(file))
        texts = [text for text in EDGES + random_texts(self.rng, 3000 * ROUNDS) if "[" not in text]
        wrong = [f"{text!r}: {ours}" for text, ours in zip(texts, self.ids(file, texts))
                 if ours != theirs.encode(text, add_special_tokens=False).ids]
        self.assertFalse(wrong, f"{len(wrong)} differ\n" + "\n".join(wrong[:8]))


if __name__ == "__main__":
    unittest.main()
