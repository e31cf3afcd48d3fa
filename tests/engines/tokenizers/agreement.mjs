// Compares `espalier tokenize` with @huggingface/tokenizers on mixed text: ids, and the text of the ids.
//
//   node agreement.mjs PROGRAM TREE FOLDER [--all]        FOLDER holds node_modules and takes the files written
//
// Each tokenizer gets a share of a megabyte (--all: the whole, which takes the library in JavaScript minutes). Tokenizers
// made here, and published ones where ESPALIER_SHARED_DATA (or TREE/../shared/data) has them. Prints a line
// for each; exits with 1 where they disagree.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Tokenizer } from "@huggingface/tokenizers";
import { madeTokenizers } from "./made_tokenizers.mjs";
import { mixedTexts } from "./mixed_text.mjs";

const [program, tree, folder, all] = process.argv.slice(2);
const data = join(process.env.ESPALIER_SHARED_DATA ?? join(tree, "../shared/data"), "tokenizers");
const json = (file) => JSON.parse(file.endsWith(".gz") ? gunzipSync(readFileSync(file)) : readFileSync(file));
const merges = (file) => readFileSync(file, "utf8").split("\n").filter((line) => line && !line.startsWith("#version"));

function publishedTokenizers() {
  if (!existsSync(data)) {
    console.log(`${data} is not there: only the tokenizers made here are compared`);
    return {};
  }
  const qwen = json(join(data, "qwen2-qwen3/tokenizer_without_vocab.json"));
  qwen.model.vocab = json(join(data, "qwen2-qwen3/vocab.json.gz"));
  qwen.model.merges = merges(join(data, "qwen2-qwen3/merges.txt"));
  return { "qwen2": qwen, "olmo": json(join(data, "gpt-neox-olmo/allenai_gpt-neox-olmo-dolma-v1_5.json.gz")) };
}

function run(...options) {
  execFileSync(program, ["tokenize", ...options], { stdio: ["ignore", "ignore", "inherit"] });
}

/** What `espalier tokenizer train --kind bpe` makes of some of the texts. */
function trainedTokenizer(texts) {
  const text = join(folder, "training.txt"), made = join(folder, "trained/tokenizer.json");
  writeFileSync(text, texts.map((line) => line.replaceAll(/[\r\n]/g, " ")).join("\n") + "\n");
  execFileSync(program, ["tokenizer", "train", "--kind", "bpe", text, "--vocab-size", "2000", "--out", made],
    { stdio: ["ignore", "ignore", "inherit"] });
  return { "trained": json(made) };
}

/** The first text on which the two disagree, shown as they see it. */
function firstDifference(texts, ours, theirs) {
  const i = texts.findIndex((_, index) => JSON.stringify(ours[index]) !== JSON.stringify(theirs[index]));
  if (i < 0 && ours.length === theirs.length) return null;
  const at = [...theirs[i]].findIndex((value, index) => value !== ours[i]?.[index]);
  const near = (list) => JSON.stringify(list?.slice(Math.max(at - 3, 0), at + 8));
  return `text ${i}, place ${at}: here ${near(ours[i])}, there ${near(theirs[i])}; ${JSON.stringify(texts[i]).slice(0, 200)}`;
}

function compare(name, definition, texts) {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "tokenizer.json"), JSON.stringify(definition));
  const tokensFile = join(place, "tokens.json");
  const textsFile = join(place, "texts.jsonl");
  writeFileSync(textsFile, texts.map((text) => JSON.stringify({ text })).join("\n") + "\n");
  run(place, "--text", textsFile, "--out", tokensFile);
  run(place, "--decode", tokensFile, "--out", join(place, "texts.json"));
  const theirs = new Tokenizer(definition, { clean_up_tokenization_spaces: false });
  const ids = texts.map((text) => theirs.encode(text).ids);
  const decoded = ids.map((list) => theirs.decode(list, { skip_special_tokens: true }));
  const ourIds = json(tokensFile).sequences;
  const difference = firstDifference(texts, ourIds, ids) ?? firstDifference(texts, json(join(place, "texts.json")).texts, decoded);
  const tokens = ids.reduce((sum, list) => sum + list.length, 0);
  console.log(`${name}: ${texts.length} texts, ${tokens} tokens: ${difference ?? "the same"}`);
  return difference === null;
}

const texts = mixedTexts(tree, 1_000_000);
console.log(`${texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)} bytes of text`);
const definitions = { ...madeTokenizers(texts.slice(-800)), ...trainedTokenizer(texts.slice(-800)), ...publishedTokenizers() };
const shares = all === "--all" ? 1 : 5;
const agree = Object.entries(definitions).map(([name, definition], number) =>
  compare(name, definition, texts.filter((_, index) => index % shares === number % shares)));
process.exit(agree.every((same) => same) ? 0 : 1);
