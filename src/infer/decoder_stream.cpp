#include "infer/decoder_stream.h"

#include <algorithm>

#include "base/error.h"
#include "base/input_watch.h"
#include "base/interrupt.h"

namespace espalier::infer {
namespace {

/// Floats of the residual stream that run through a block's feed-forward part at a time: enough rows for each
/// of many experts, and few copies of them.
constexpr std::int64_t kRunFloats = std::int64_t{1} << 25;
/// Logits at a time: few enough for what is made of them to stay near the processor (fresh memory is slow,
/// where the system clears it page by page), but rows enough for a product at full speed.
constexpr std::int64_t kLogitFloats = std::int64_t{1} << 22, kLogitRows = 256;

struct Part {
  SequenceLayout layout;
  std::int64_t first = 0;  ///< token
};

/// Whole sequences, as many as fit, at least one.
std::vector<Part> parts_of(const SequenceLayout& layout, std::int64_t tokens) {
  std::vector<Part> parts;
  for (std::int64_t b = 0; b < layout.sequences(); ++b) {
    if (parts.empty() || parts.back().layout.tokens() + layout.length(b) > tokens)
      parts.push_back({{}, layout.begin(b)});
    parts.back().layout.append(layout.length(b));
  }
  return parts;
}

/// Hidden states in files of a folder of their own, which goes when this goes.
struct Spill {
  std::filesystem::path folder;
  explicit Spill(std::filesystem::path path) : folder(std::move(path)) {
    std::filesystem::create_directories(folder);
  }
  ~Spill() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
};

}  // namespace

PackedTokens pack(std::span<const std::vector<std::int64_t>> sequences) {
  PackedTokens packed;
  for (const auto& sequence : sequences) {
    for (const std::int64_t id : sequence) packed.ids.push_back(static_cast<std::int32_t>(id));
    packed.layout.append(static_cast<std::int64_t>(sequence.size()));
  }
  return packed;
}

void embed(const DecoderModel& model, const PackedTokens& tokens, HiddenStates& states) {
  const auto rows = std::max<std::int64_t>(1, kRunFloats / model.width());
  std::vector<float> x(static_cast<std::size_t>(std::min(rows, states.tokens()) * model.width()));
  for (std::int64_t first = 0; first < states.tokens(); first += rows) {
    const auto count = std::min(rows, states.tokens() - first);
    embed(model,
          std::span(tokens.ids).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
          x.data());
    states.store(first, count, x.data());
  }
  release(model.embedding);
}

void run_block(const DecoderModel& model, std::int64_t layer, const RopeTables& rope,
               const SequenceLayout& layout, const HiddenStates& from, HiddenStates& to, const ExpertTap& tap,
               const std::function<void(std::int64_t tokens)>& done) {
  const auto D = model.width();
  const ReadyBlock block(model, layer, rope);
  std::vector<float> buffer;
  for (const Part& part : parts_of(layout, kRunFloats / D)) {
    if (interrupt_requested()) throw Interrupted("interrupted");
    const auto count = part.layout.tokens();
    float* x = &from == &to ? to.in_place(part.first) : nullptr;
    if (x != nullptr) {
      block.run(part.layout, x, tap);
    } else {
      buffer.resize(static_cast<std::size_t>(count * D));
      from.load(part.first, count, buffer.data());
      block.run(part.layout, buffer.data(), tap);
      to.store(part.first, count, buffer.data());
    }
    if (done) done(part.first + count);
  }
  for_each_weight(model.blocks[static_cast<std::size_t>(layer)],
                  [](const StoredWeight& weight) { release(weight); });
  expect_inputs_unchanged();
}

HiddenStates run_blocks(const DecoderModel& model, const PackedTokens& tokens, const StreamOptions& options) {
  const auto N = tokens.layout.tokens(), L = model.spec.layers();
  const auto bytes = hidden_bytes(N, model.width(), options.hidden_dtype);
  std::optional<Spill> spill;
  if (options.max_memory_bytes && bytes > *options.max_memory_bytes) spill.emplace(options.spill);
  HiddenStates states = spill ? HiddenStates(N, model.width(), options.hidden_dtype, spill->folder / "hidden")
                              : HiddenStates(N, model.width(), options.hidden_dtype);
  embed(model, tokens, states);
  const RopeTables rope(model.spec, tokens.layout.longest());
  for (std::int64_t layer = 0; layer < L; ++layer) {
    run_block(model, layer, rope, tokens.layout, states, states, {}, [&](std::int64_t done) {
      if (options.progress)
        options.progress({.what = "running the model",
                          .done = static_cast<std::uint64_t>((layer * N + done) / L),
                          .total = static_cast<std::uint64_t>(N),
                          .unit = "tokens"});
    });
  }
  return states;  // the file of a spill has no name any more, and goes with the mapping
}

void for_each_logits(
    const DecoderModel& model, const HiddenStates& states, std::span<const std::int64_t> rows,
    const std::function<void(std::size_t first, std::int64_t m, const float* logits)>& visit) {
  const auto D = model.width();
  const auto most = static_cast<std::size_t>(std::max(kLogitRows, kLogitFloats / model.vocabulary()));
  // Widened once for all rows.
  DecoderModel head = model;
  if (rows.size() > most) head.head = widened(model.head);
  Buffer<float> hidden, logits;
  for (std::size_t first = 0; first < rows.size(); first += most) {
    if (interrupt_requested()) throw Interrupted("interrupted");
    const auto count = std::min(most, rows.size() - first);
    const auto m = static_cast<std::int64_t>(count);
    float* x = hidden.room(m * D);
    float* y = logits.room(m * model.vocabulary());
    for (std::size_t i = 0; i < count; ++i)
      states.load(rows[first + i], 1, x + static_cast<std::int64_t>(i) * D);
    decoder_logits(head, m, x, y);
    visit(first, m, y);
  }
}

}  // namespace espalier::infer
