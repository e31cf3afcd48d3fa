// About a megabyte of text that tokenizers find hard, the same on every machine: the sources of this tree, and
// made-up lines of many scripts, emoji, digits, contractions and broken spacing.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A sequence of numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const scripts = [
  [0x61, 0x7a], [0x41, 0x5a], [0xc0, 0xff], [0x100, 0x17f], [0x391, 0x3a1], [0x3b1, 0x3c9], [0x410, 0x44f],
  [0x5d0, 0x5ea], [0x627, 0x64a], [0x905, 0x939], [0xe01, 0xe30], [0x3041, 0x3096], [0x30a1, 0x30fa],
  [0x4e00, 0x9fa5], [0xac00, 0xd7a3], [0x1f600, 0x1f64f], [0x1f300, 0x1f3fa],
];
const marks = ["\u0301", "\u0308", "\u0327", "\u200d", "\ufe0f", "\u0e31", "\u093e", "\u064b"];
const signs = [..."!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "\u3002", "\u300c", "\uff01", "\u2026", "\u20ac", "\u00b2", "\u2019"];
const spaces = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n ", "\u00a0", "\u3000", "\u2003", "\t\t ", "\u2028"];
const words = ["I'm", "you'LL", "it'S", "we've", "don't", "'tis", "D'oh", "Hello", "WORLD", "x1", "3.14", "1234567", "0x7fFF",
  "\u00bd", "\u2167", "\u0664\u0665", "\ud83d\udc69\u200d\ud83d\udcbb", "\ud83c\udde9\ud83c\uddea", "e\u0301\u0300", "\u1112\u1161\u11ab",
  "\ufb01", "\u212b", "\u01c5", "_a_b", "a\u00adb", "<s>", "[INST]", "<|im_start|>", "<|endoftext|>", "for(;;){}", "https://a.b/c?d=e&f"];

function madeUpLine(random) {
  const below = (n) => Math.floor(random() * n);
  let line = "";
  for (let count = 1 + below(24); count > 0; --count) {
    const kind = below(10);
    if (kind < 5) {
      const [first, last] = scripts[below(scripts.length)];
      for (let length = 1 + below(7); length > 0; --length) {
        line += String.fromCodePoint(first + below(last - first + 1));
        if (below(12) === 0) line += marks[below(marks.length)];
      }
    } else if (kind < 7) {
      line += words[below(words.length)];
    } else if (kind < 8) {
      line += String(below(10 ** (1 + below(9))));
    } else {
      for (let length = 1 + below(3); length > 0; --length) line += signs[below(signs.length)];
    }
    if (below(5) > 0) line += spaces[below(spaces.length)];
  }
  return line;
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sources(path);
      return /\.(cpp|h|md)$/.test(entry.name) ? [readFileSync(path, "utf8")] : [];
    });
}

/** Texts without U+0085 and U+FEFF, about which JavaScript's \s and Unicode's disagree. */
export function mixedTexts(tree, bytes) {
  const random = randomNumbers(7);
  const texts = [];
  let size = 0;
  for (const source of sources(tree)) {
    for (const part of source.match(/[^]{1,4000}/g) ?? []) {
      if (size > bytes / 3) break;
      texts.push(part);
      size += Buffer.byteLength(part);
    }
  }
  while (size < bytes) {
    const text = Array.from({ length: 8 }, () => madeUpLine(random)).join("\n");
    texts.push(text);
    size += Buffer.byteLength(text);
  }
  return texts;
}
