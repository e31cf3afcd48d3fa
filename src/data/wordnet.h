#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// Names of the lexicographer files 0 to 44 (lexnames(5WN)): the classes of the WordNet task.
extern const std::array<std::string_view, 45> kWordNetCategories;

/// A set of synonyms (wndb(5WN)).
struct Synset {
  char part_of_speech = 'n';          ///< n, v, a, s (adjective satellite) or r (adverb)
  std::uint32_t offset = 0;           ///< in its data file; with the part of speech the synset's name
  int category = 0;                   ///< index into kWordNetCategories
  std::vector<std::string> words;     ///< spaces for underscores, without adjective markers such as "(p)"
  std::string definition;             ///< the gloss before its first example
  std::vector<std::string> examples;  ///< without their quotation marks
};

/// Parses a data file's content; `name` stands in errors. Throws UserError naming the line.
std::vector<Synset> parse_wordnet(std::string_view content, std::string_view name);

inline constexpr const char* kWordNetFolder = "/usr/share/wordnet";  ///< of Debian's wordnet-base

/// The synsets of data.noun, data.verb, data.adj and data.adv, in that order.
/// Throws UserError with the package to install when a file is missing.
std::vector<Synset> read_wordnet(const std::filesystem::path& folder = kWordNetFolder);

enum class Split { kTrain, kDev, kTest };

/// Where a definition belongs: 90% train, 5% dev, 5% test. The text is reduced to lower-case ASCII letters,
/// digits and other bytes past ASCII, with one space for each run of anything else; FNV-1a (64 bits) of that,
/// mixed (`mix64`), modulo 100 is below 90, below 95, or not. Definitions that differ only in case, spaces or
/// punctuation therefore stand on the same side, for ever.
Split split_of(std::string_view definition);

/// The reduced text that `split_of` hashes.
std::string normalized_definition(std::string_view text);

}  // namespace espalier
