// Small tokenizers in the ways of published ones: their pre-tokenizers, normalizers and post-processors over a
// vocabulary trained here, on the text itself. Left out is what the library in JavaScript does otherwise than the original in
// Rust: single_word, which it ignores, and Digits, of which it knows ten.

/** The 256 letters that spell bytes. */
function byteLetters() {
  const letters = [];
  let next = 256;
  for (let byte = 0; byte < 256; ++byte) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    letters.push(String.fromCodePoint(printable ? byte : next++));
  }
  return letters;
}
const letters = byteLetters();

/** Merges of the most frequent pairs among rough words, each a list of symbols. */
function train(words, count) {
  const merges = [];
  while (merges.length < count) {
    const pairs = new Map();
    for (const [symbols, times] of words) {
      for (let i = 0; i + 1 < symbols.length; ++i) {
        const pair = symbols[i] + " " + symbols[i + 1];
        pairs.set(pair, (pairs.get(pair) ?? 0) + times);
      }
    }
    let best = null;
    for (const [pair, times] of pairs) {
      if (best === null || times > best[1] || (times === best[1] && pair < best[0])) best = [pair, times];
    }
    if (best === null || best[1] < 2) break;
    merges.push(best[0]);
    const [left, right] = best[0].split(" ");
    for (const [symbols] of words) {
      for (let i = 0; i + 1 < symbols.length; ++i) {
        if (symbols[i] === left && symbols[i + 1] === right) symbols.splice(i, 2, left + right);
      }
    }
  }
  return merges;
}

function roughWords(texts, spell) {
  const counts = new Map();
  for (const text of texts) {
    for (const word of text.match(/ ?[^\s]{1,12}|\s{1,4}/gu) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const frequent = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 1500);
  return frequent.map(([word, times]) => [spell(word), times]);
}

function vocabularyOf(alphabet, merges) {
  const pieces = new Set(alphabet);
  for (const merge of merges) pieces.add(merge.replace(" ", ""));
  return Object.fromEntries([...pieces].map((piece, id) => [piece, id]));
}

const split = (regex) => ({ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false });
const byteLevel = (use_regex) => ({ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex });
const sequence = (...pretokenizers) => ({ type: "Sequence", pretokenizers });

const llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const deepseekV3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const o200k = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const byteWays = {
  "gpt2": { pre_tokenizer: byteLevel(true) },
  "llama3": { pre_tokenizer: sequence(split(llama3), byteLevel(false)), ignore_merges: true },
  "deepseek-v1": {
    pre_tokenizer: sequence(split("[\\r\\n]"), split("\\s?\\p{L}+"), split("\\s?\\p{P}+"), split("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"),
      split("\\p{N}"), byteLevel(false)),
  },
  "deepseek-v3": {
    pre_tokenizer: sequence(split("\\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), split(deepseekV3), byteLevel(false)),
  },
  "o200k": { pre_tokenizer: sequence(split(o200k), byteLevel(false)) },
  "nfc": { pre_tokenizer: byteLevel(true), normalizer: { type: "NFC" } },
};

const special = (id, content, more) =>
  ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more });

function byteTokenizers(texts) {
  const merges = train(roughWords(texts, (word) => [...Buffer.from(word)].map((byte) => letters[byte])), 400);
  const vocab = vocabularyOf(letters, merges);
  const size = Object.keys(vocab).length;
  const added_tokens = [special(size, "<|im_start|>"), special(size + 1, "<|endoftext|>", { rstrip: true }),
    special(size + 2, "[INST]", { lstrip: true }), special(size + 3, "Hello", { special: false, normalized: true })];
  return Object.fromEntries(Object.entries(byteWays).map(([name, { pre_tokenizer, normalizer = null, ignore_merges = false }]) =>
    [name, { version: "1.0", added_tokens, normalizer, pre_tokenizer, post_processor: byteLevel(true), decoder: byteLevel(true),
      model: { type: "BPE", vocab, merges, ignore_merges } }]));
}

/** As Llama's and Mixtral's tokenizer.json: characters, spaces as marks, bytes for what is not in the vocabulary. */
function markTokenizer(texts) {
  const words = roughWords(texts, (word) => [...word.replaceAll(" ", "\u2581")]);
  const alphabet = new Set(["\u2581"]);
  for (const [symbols] of words) for (const symbol of symbols) if (/^[\x21-\x7e\u2581\u00c0-\u00ff]$/u.test(symbol)) alphabet.add(symbol);
  const known = words.filter(([symbols]) => symbols.every((symbol) => alphabet.has(symbol)));
  const bytes = letters.map((_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const merges = train(known, 300);
  const vocab = vocabularyOf(["<unk>", "<s>", "</s>", ...bytes, ...alphabet], merges);
  return {
    version: "1.0", added_tokens: [special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")],
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "\u2581" }, { type: "Replace", pattern: { String: " " }, content: "\u2581" }] },
    pre_tokenizer: null,
    post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [], special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } } },
    decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "\u2581" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 }] },
    model: { type: "BPE", unk_token: "<unk>", fuse_unk: true, byte_fallback: true, vocab, merges: merges.map((merge) => merge.split(" ")) },
  };
}

export function madeTokenizers(texts) {
  return { ...byteTokenizers(texts), "mixtral": markTokenizer(texts) };
}
