// Prompt processing of a decoder: tokens/s of the bare forward pass and of the same pass with all statistics
// of its experts, in turns. The weights lie in the mapped files, as `observe` reads them. Prints one JSON
// object a row.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>

#include "base/machine.h"
#include "base/rng.h"
#include "base/stopwatch.h"
#include "infer/decoder_stream.h"
#include "infer/threads.h"
#include "observe/layer_observer.h"
#include "observe/token_observer.h"

using namespace espalier;

namespace {

/// Wall and processor seconds; on a shared machine compare the latter, with one thread.
struct Seconds {
  double wall, processor;
};

/// One prompt through all blocks and the head, for the logits of its last token.
Seconds forward_seconds(const infer::DecoderModel& model, const infer::PackedTokens& tokens,
                        const infer::RopeTables& rope, bool statistics) {
  const auto N = tokens.layout.tokens();
  const Stopwatch watch;
  const std::clock_t start = std::clock();
  Buffer<float> x(N * model.width()), logits(model.vocabulary());
  embed(model, tokens.ids, x.data());
  const FrequentTokens frequent(statistics ? std::span(tokens.ids) : std::span<const std::int32_t>(), 2000);
  for (std::int64_t layer = 0; layer < model.spec.layers(); ++layer) {
    const infer::ReadyBlock block(model, layer, rope);
    const auto E = model.spec.block(layer).experts();
    if (!statistics || E == 0) {
      block.run(tokens.layout, x.data(), {});
      continue;
    }
    LayerObserver observer(static_cast<int>(layer), E, model.width());
    TokenObserver use(static_cast<int>(layer), E, frequent, tokens);
    block.run(tokens.layout, x.data(),
              {[&](const infer::RoutingView& choice) {
                 observer.routed(choice);
                 use.routed(choice);
               },
               [&](const infer::ExpertOutput& output) { observer.computed(output); }});
  }
  decoder_logits(model, 1, x.data() + (N - 1) * model.width(), logits.data());
  return {watch.seconds(), static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Rates {
  std::vector<double> wall, processor;  // tokens per second
  void add(std::int64_t tokens, const Seconds& seconds) {
    wall.push_back(static_cast<double>(tokens) / seconds.wall);
    processor.push_back(static_cast<double>(tokens) / seconds.processor);
  }
};

void print(const char* what, std::int64_t tokens, const Rates& rates) {
  const auto [least, most] = std::minmax_element(rates.wall.begin(), rates.wall.end());
  fmt::print(
      "{{\"what\": \"{} {}\", \"tokens_per_s_median\": {:.1f}, \"min\": {:.1f}, \"max\": {:.1f}, "
      "\"tokens_per_processor_s\": {:.1f}}}\n",
      what, tokens, median(rates.wall), *least, *most, median(rates.processor));
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
  infer::configure_threads(threads);
  const infer::DecoderModel model = infer::load_decoder(Checkpoint::open(folder));
  for (const std::int64_t length : prompts) {
    infer::PackedTokens tokens;
    tokens.layout.append(length);
    Rng rng(1);
    for (std::int64_t i = 0; i < length; ++i)
      tokens.ids.push_back(
          static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(model.vocabulary()))));
    const infer::RopeTables rope(model.spec, length);
    Rates bare, observed;
    for (int run = -1; run < runs; ++run) {
      const Seconds a = forward_seconds(model, tokens, rope, false),
                    b = forward_seconds(model, tokens, rope, true);
      if (run < 0) continue;
      bare.add(length, a);
      observed.add(length, b);
    }
    print("prompt", length, bare);
    print("observed prompt", length, observed);
    fmt::print("{{\"what\": \"cost of statistics {}\", \"percent\": {:.1f}, \"peak_rss_bytes\": {}}}\n",
               length, 100 * (median(bare.processor) / median(observed.processor) - 1),
               peak_resident_bytes());
  }
}
