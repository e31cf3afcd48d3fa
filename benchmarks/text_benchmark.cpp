// Tokens per second of WordPiece on one core, beside the bound of reading the text at all; vocabulary
// training; and building a tokenized corpus. On made text unless files are named:
//
//   text_benchmark [--vocab vocab.txt] [--tokenizer MODEL] [--text FILE] [Google Benchmark's options]
//
// --tokenizer adds `encode_as_model`: a language model's tokenizer on the whole text.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "base/files.h"
#include "base/machine.h"
#include "base/rng.h"
#include "data/token_corpus.h"
#include "data/vocabulary_training.h"
#include "text/tokenizer.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

// Words of a Zipf-like distribution, as the share of frequent words decides the speed.
std::string made_text() {
  Rng rng(1);
  std::vector<std::string> words;
  for (int i = 0; i < 20'000; ++i) {
    std::string word;
    for (std::uint64_t length = 1 + rng.below(4) + rng.below(6); length > 0; --length) {
      word += static_cast<char>('a' + rng.below(5) * rng.below(6));
    }
    words.push_back(word);
  }
  std::string text;
  while (text.size() < 4'000'000) {
    const double u = rng.uniform();
    text += words[static_cast<std::size_t>(u * u * u * 20'000)];
    text += rng.below(12) == 0 ? (rng.below(6) == 0 ? ".\n" : ", ") : " ";
  }
  return text;
}

struct Input {
  std::string text;
  std::filesystem::path file;
  std::vector<std::string> pieces;
};
Input& input() {
  static Input instance;
  return instance;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void set_rates(benchmark::State& state, std::size_t tokens) {
  const auto runs = static_cast<double>(state.iterations());
  if (tokens > 0) {
    state.counters["tokens_per_second"] =
        benchmark::Counter(runs * static_cast<double>(tokens), benchmark::Counter::kIsRate);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(runs * static_cast<double>(input().text.size())));
}

void encode(benchmark::State& state) {
  const auto wordpiece = WordPiece::from_pieces(input().pieces, {});
  const auto lines = lines_of(input().text);
  std::vector<std::int32_t> ids;
  for (auto _ : state) {
    ids.clear();
    for (const auto line : lines) wordpiece.encode(line, ids);
    benchmark::DoNotOptimize(ids.data());
  }
  set_rates(state, ids.size());
}

void encode_as_model(benchmark::State& state, const Tokenizer& tokenizer) {
  std::size_t tokens = 0;
  for (auto _ : state) tokens = tokenizer.encode(input().text).size();
  set_rates(state, tokens);
}

// The bound: each byte is looked at once and the words are counted.
void read_only(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t words = 0;
    bool inside = false;
    for (const char c : input().text) {
      words += c != ' ' && !inside;
      inside = c != ' ';
    }
    benchmark::DoNotOptimize(words);
  }
  set_rates(state, 0);
}

void train_vocabulary(benchmark::State& state) {
  const std::vector<std::filesystem::path> files = {input().file};
  for (auto _ : state) {
    auto pieces = train_wordpiece(files, {.vocabulary_size = 8192, .limit_alphabet = 300});
    benchmark::DoNotOptimize(pieces.data());
  }
  set_rates(state, 0);
}

void build_corpus(benchmark::State& state) {
  const auto wordpiece = WordPiece::from_pieces(input().pieces, {});
  const auto cache = std::filesystem::temp_directory_path() / ("text_benchmark_" + std::to_string(getpid()));
  std::uint64_t tokens = 0;
  for (auto _ : state) {
    std::filesystem::remove_all(cache);
    tokens = TokenCorpus::build({input().file}, wordpiece, cache).size();
  }
  std::filesystem::remove_all(cache);
  set_rates(state, static_cast<std::size_t>(tokens));
  state.counters["peak_rss_bytes"] = static_cast<double>(peak_resident_bytes());
}

BENCHMARK(read_only)->Unit(benchmark::kMillisecond);
BENCHMARK(encode)->Unit(benchmark::kMillisecond);
BENCHMARK(build_corpus)->Unit(benchmark::kMillisecond);
BENCHMARK(train_vocabulary)->Unit(benchmark::kMillisecond);

// Takes `--name value` out of the arguments.
std::string take_option(int& argc, char** argv, const char* name) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) != 0) continue;
    const std::string value = argv[i + 1];
    for (int j = i; j + 2 < argc; ++j) argv[j] = argv[j + 2];
    argc -= 2;
    return value;
  }
  return {};
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  using namespace espalier;
  const auto text = take_option(argc, argv, "--text");
  const auto model = take_option(argc, argv, "--tokenizer");
  const auto vocabulary = take_option(argc, argv, "--vocab");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto made =
      std::filesystem::temp_directory_path() / ("text_benchmark_" + std::to_string(getpid()) + ".txt");
  input().text = text.empty() ? made_text() : read_file(text);
  input().file = text.empty() ? made : std::filesystem::path(text);
  if (text.empty()) write_file(made, input().text);
  if (vocabulary.empty()) {
    input().pieces =
        train_wordpiece(std::vector{input().file}, {.vocabulary_size = 8192, .limit_alphabet = 300});
  } else {
    const auto loaded = WordPiece::load(vocabulary, {});
    input().pieces.assign(loaded.pieces().begin(), loaded.pieces().end());
  }
  std::unique_ptr<Tokenizer> tokenizer;
  if (!model.empty()) {
    tokenizer = open_tokenizer(model);
    benchmark::RegisterBenchmark("encode_as_model", [&](benchmark::State& state) {
      encode_as_model(state, *tokenizer);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  if (text.empty()) std::filesystem::remove(made);
}
