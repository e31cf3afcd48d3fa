#include "data/wordnet.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"
#include "text/utf8.h"

namespace espalier {

const std::array<std::string_view, 45> kWordNetCategories = {
    "adj.all",          "adj.pert",           "adv.all",
    "noun.Tops",        "noun.act",           "noun.animal",
    "noun.artifact",    "noun.attribute",     "noun.body",
    "noun.cognition",   "noun.communication", "noun.event",
    "noun.feeling",     "noun.food",          "noun.group",
    "noun.location",    "noun.motive",        "noun.object",
    "noun.person",      "noun.phenomenon",    "noun.plant",
    "noun.possession",  "noun.process",       "noun.quantity",
    "noun.relation",    "noun.shape",         "noun.state",
    "noun.substance",   "noun.time",          "verb.body",
    "verb.change",      "verb.cognition",     "verb.communication",
    "verb.competition", "verb.consumption",   "verb.contact",
    "verb.creation",    "verb.emotion",       "verb.motion",
    "verb.perception",  "verb.possession",    "verb.social",
    "verb.stative",     "verb.weather",       "adj.ppl"};

namespace {

constexpr const char* kInstallHint = "install it with `apt-get install wordnet-base`";

// The fields of one line, read from the left.
class Fields {
 public:
  Fields(std::string_view line, std::string_view name, std::size_t number)
      : rest_(line), name_(name), number_(number) {}

  std::string_view next(std::string_view what) {
    const auto end = rest_.find(' ');
    const auto field = rest_.substr(0, end);
    if (field.empty()) fail(fmt::format("the {} is missing", what));
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return field;
  }
  std::uint32_t number(std::string_view what, int base, std::uint32_t limit) {
    const auto field = next(what);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, base);
    if (error != std::errc{} || end != field.data() + field.size() || value > limit) {
      fail(fmt::format("the {} is \"{}\", expected a number up to {}", what, field, limit));
    }
    return value;
  }
  [[noreturn]] void fail(std::string_view problem) const {
    throw UserError(fmt::format("{}: line {}: {}", name_, number_, problem), kInstallHint);
  }

 private:
  std::string_view rest_;
  std::string_view name_;
  std::size_t number_;
};

std::string plain_word(std::string_view field) {
  if (field.ends_with(')')) field = field.substr(0, field.rfind('('));
  std::string word(field);
  for (auto& character : word) {
    if (character == '_') character = ' ';
  }
  return word;
}

std::string_view trimmed(std::string_view text, std::string_view characters) {
  const auto begin = text.find_first_not_of(characters);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(characters) - begin + 1);
}

// Where an example begins: a quotation mark at the gloss's start or after "; ". Others belong to the
// definition.
std::size_t first_example(std::string_view gloss) {
  for (auto at = gloss.find('"'); at != std::string_view::npos; at = gloss.find('"', at + 1)) {
    const auto before = trimmed(gloss.substr(0, at), " ");
    if (before.empty() || before.back() == ';') return at;
  }
  return gloss.size();
}

void split_gloss(std::string_view gloss, Synset& synset) {
  const auto examples_at = first_example(gloss);
  synset.definition = trimmed(gloss.substr(0, examples_at), " ;");
  auto rest = gloss.substr(examples_at);
  while (true) {
    const auto open = rest.find('"');
    if (open == std::string_view::npos) return;
    const auto close = rest.find('"', open + 1);
    const auto example =
        trimmed(rest.substr(open + 1, close == std::string_view::npos ? close : close - open - 1), " ");
    if (!example.empty()) synset.examples.emplace_back(example);
    if (close == std::string_view::npos) return;
    rest.remove_prefix(close + 1);
  }
}

Synset parse_synset(std::string_view line, std::string_view name, std::size_t number) {
  Fields fields(line, name, number);
  Synset synset;
  synset.offset = fields.number("synset offset", 10, 99'999'999);
  synset.category = static_cast<int>(fields.number(
      "lexicographer file number", 10, static_cast<std::uint32_t>(kWordNetCategories.size()) - 1));
  const auto type = fields.next("synset type");
  if (type.size() != 1 || std::string_view("nvasr").find(type[0]) == std::string_view::npos) {
    fields.fail(fmt::format("the synset type is \"{}\", expected n, v, a, s or r", type));
  }
  synset.part_of_speech = type[0];
  const auto words = fields.number("word count", 16, 255);
  for (std::uint32_t i = 0; i < words; ++i) {
    const auto field = fields.next("word");
    synset.words.push_back(plain_word(field));
    if (synset.words.back().empty()) fields.fail(fmt::format("there is no word in \"{}\"", field));
    fields.next("lexical id");
  }
  const auto bar = line.find(" | ");
  if (bar == std::string_view::npos) fields.fail("there is no gloss (\" | \")");
  split_gloss(line.substr(bar + 3), synset);
  return synset;
}

}  // namespace

std::vector<Synset> parse_wordnet(std::string_view content, std::string_view name) {
  std::vector<Synset> synsets;
  for (std::size_t number = 1; !content.empty(); ++number) {
    const auto end = content.find('\n');
    auto line = content.substr(0, end);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.empty() || line.front() == ' ') continue;  // the licence's lines begin with a space
    if (const auto at = find_invalid_utf8(line)) {
      throw UserError(fmt::format("{}: line {}, byte {}: invalid UTF-8", name, number, *at + 1),
                      kInstallHint);
    }
    synsets.push_back(parse_synset(line, name, number));
  }
  if (synsets.empty()) throw UserError(fmt::format("{}: there are no synsets", name), kInstallHint);
  return synsets;
}

std::vector<Synset> read_wordnet(const std::filesystem::path& folder) {
  std::vector<Synset> all;
  for (const char* name : {"data.noun", "data.verb", "data.adj", "data.adv"}) {
    const auto file = folder / name;
    if (!std::filesystem::exists(file)) {
      throw UserError(fmt::format("{}: WordNet's file is not there", file.string()), kInstallHint);
    }
    auto synsets = parse_wordnet(read_file(file), file.string());
    all.insert(all.end(), std::make_move_iterator(synsets.begin()), std::make_move_iterator(synsets.end()));
  }
  return all;
}

std::string normalized_definition(std::string_view text) {
  std::string out;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
    if (letter) {
      out += character;
    } else if (byte >= 'A' && byte <= 'Z') {
      out += static_cast<char>(byte - 'A' + 'a');
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

Split split_of(std::string_view definition) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char character : normalized_definition(definition)) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3ULL;
  }
  const auto percentile = mix64(hash) % 100;
  if (percentile < 90) return Split::kTrain;
  return percentile < 95 ? Split::kDev : Split::kTest;
}

}  // namespace espalier
