// Prompt processing of a decoder: tokens/s of the bare forward pass and of the same pass with all statistics
// of its experts, in turns. The weights lie in the mapped files, as `observe` reads them. Prints one JSON
// object a row.
#include <fmt/format.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>

#include "base/machine.h"
#include "base/rng.h"
#include "base/stopwatch.h"
#include "model/decoder_stream.h"
#include "nn/threads.h"
#include "observe/layer_observer.h"
#include "observe/token_observer.h"

using namespace espalier;

namespace {

/// One prompt through all blocks and the head, for the logits of its last token.
double forward_seconds(const DecoderModel& model, const PackedTokens& tokens, const RopeTable& rope,
                       bool statistics) {
  const auto N = tokens.layout.tokens();
  const Stopwatch watch;
  auto x = torch::empty({N, model.width()});
  embed(model, tokens.ids, x.data_ptr<float>());
  const FrequentTokens frequent(statistics ? std::span(tokens.ids) : std::span<const std::int32_t>(), 2000);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    const ReadyBlock block(model, layer, rope);
    const auto E = model.config.experts[static_cast<std::size_t>(layer)];
    if (!statistics || E == 0) {
      block.run(tokens.layout, x.data_ptr<float>(), {});
      continue;
    }
    LayerObserver observer(static_cast<int>(layer), E, model.width());
    TokenObserver use(static_cast<int>(layer), E, frequent, tokens);
    block.run(tokens.layout, x.data_ptr<float>(),
              {[&](const TokenChoice& choice) {
                 observer.routed(choice);
                 use.routed(choice);
               },
               [&](const ExpertOutput& output) { observer.computed(output); }});
  }
  decoder_logits(model, x.narrow(0, N - 1, 1));
  return watch.seconds();
}

struct Rates {
  std::vector<double> tokens_per_second;
  double median() const {
    auto sorted = tokens_per_second;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

void print(const char* what, std::int64_t tokens, const Rates& rates) {
  const auto [least, most] =
      std::minmax_element(rates.tokens_per_second.begin(), rates.tokens_per_second.end());
  fmt::print("{{\"what\": \"{} {}\", \"tokens_per_s_median\": {:.1f}, \"min\": {:.1f}, \"max\": {:.1f}}}\n",
             what, tokens, rates.median(), *least, *most);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder;
  std::vector<std::int64_t> prompts{512, 2048};
  int threads = hardware_threads(), runs = 5;
  CLI::App app("prompt processing of a decoder");
  app.add_option("model", folder)->required();
  app.add_option("--prompt", prompts)->delimiter(',');
  app.add_option("--runs", runs);
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  configure_engine(threads);
  const DecoderModel model = load_decoder(Checkpoint::open(folder));
  for (const std::int64_t length : prompts) {
    PackedTokens tokens;
    tokens.layout.append(length);
    Rng rng(1);
    for (std::int64_t i = 0; i < length; ++i)
      tokens.ids.push_back(
          static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(model.config.vocab_size))));
    const RopeTable rope = rope_table(model.config, length);
    Rates bare, observed;
    for (int run = -1; run < runs; ++run) {
      const double a = forward_seconds(model, tokens, rope, false),
                   b = forward_seconds(model, tokens, rope, true);
      if (run < 0) continue;
      bare.tokens_per_second.push_back(static_cast<double>(length) / a);
      observed.tokens_per_second.push_back(static_cast<double>(length) / b);
    }
    print("prompt", length, bare);
    print("observed prompt", length, observed);
    fmt::print("{{\"what\": \"cost of statistics {}\", \"percent\": {:.1f}, \"peak_rss_bytes\": {}}}\n",
               length, 100 * (bare.median() / observed.median() - 1), peak_resident_bytes());
  }
}
