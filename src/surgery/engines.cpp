#include "surgery/engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arch/described_model.h"
#include "base/nearest.h"

namespace espalier {
namespace {

/// What an engine's answer depends on.
struct Question {
  std::int64_t experts = 0, groups = 1;
  GateScore score = GateScore::kSoftmax;
  bool uniform = true;         // the same count in all layers
  bool four_bit_or_8 = false;  // weights that fused kernels read as they are
};

struct Answer {
  bool takes = true, fast = true;
  std::string why;
};

bool is_power_of_two_up_to(std::int64_t count, std::int64_t most) {
  return count > 0 && count <= most && (count & (count - 1)) == 0;
}

template <std::size_t N>
bool is_one_of(std::int64_t count, const std::array<std::int64_t, N>& counts) {
  return std::find(counts.begin(), counts.end(), count) != counts.end();
}

Answer no(std::string why) {
  return {false, false, std::move(why)};
}
Answer slower(std::string why) {
  return {true, false, std::move(why)};
}

std::optional<Answer> unequal(const Question& q) {
  if (q.uniform) return std::nullopt;
  return no("it reads one count for all layers, and these have several");
}

Answer transformers(const Question& q) {
  if (auto answer = unequal(q)) return *answer;
  if (q.experts % q.groups != 0) return no(fmt::format("{} groups do not divide {}", q.groups, q.experts));
  return {};
}

// csrc/libtorch_stable/moe/topk_*; fused_moe's grouped top-k.
Answer vllm(const Question& q) {
  constexpr std::array<std::int64_t, 5> kMore{192, 320, 384, 448, 576};
  if (auto answer = unequal(q)) return *answer;
  const bool listed = is_power_of_two_up_to(q.experts, 512) || is_one_of(q.experts, kMore);
  if (q.score == GateScore::kSqrtSoftplus && !listed)
    return no("its kernel for square roots of softplus has no other counts, and fails");
  if (q.groups > 1 && (q.experts % q.groups != 0 || q.experts <= q.groups))
    return no(fmt::format("it would route without the {} groups, and not say so", q.groups));
  if (q.four_bit_or_8 && q.experts % 4 != 0)
    return slower("the fused kernels of TensorRT-LLM for FP8 and FP4 need a multiple of 4");
  return listed ? Answer{} : slower("its fused top-k has no such count; a general one runs");
}

Answer sglang(const Question& q) {
  constexpr std::array<std::int64_t, 3> kUngrouped{160, 256, 384};
  if (auto answer = unequal(q)) return *answer;
  if (q.experts % q.groups != 0) return no(fmt::format("{} groups do not divide {}", q.groups, q.experts));
  const bool fused = (is_power_of_two_up_to(q.experts, 1 << 20) && q.experts / q.groups <= 32) ||
                     (q.groups == 1 && is_one_of(q.experts, kUngrouped));
  return fused ? Answer{} : slower("its fused gate has no such count; a general one runs");
}

Answer llama_cpp(const Question& q) {
  constexpr std::int64_t kMost = 1024;  // LLAMA_MAX_EXPERTS
  constexpr std::array<std::int64_t, 2> kMore{288, 576};
  if (auto answer = unequal(q)) return *answer;
  if (q.experts > kMost) return no(fmt::format("it has room for {} experts", kMost));
  if (q.groups > 1 && (q.experts % q.groups != 0 || q.groups >= q.experts))
    return no(fmt::format("{} groups do not divide {} into several each", q.groups, q.experts));
  const bool fused = is_power_of_two_up_to(q.experts, 512) || is_one_of(q.experts, kMore);
  return fused ? Answer{} : slower("its fused top-k on GPUs has no such count; the plain graph runs");
}

struct Engine {
  std::string_view name;
  Answer (*answer)(const Question& question);
  std::string_view counts;
};
// As of vLLM 017e9f4, sglang 9ca1b25, llama.cpp 3f545be, transformers 5.24.
constexpr Engine kEngines[] = {
    {"transformers", transformers, "any that the router's groups divide"},
    {"vllm", vllm,
     "any that the router's groups divide; fast: powers of two up to 512, and 192, 320, 384, 448, 576, which "
     "are the only ones of routers with square roots of softplus"},
    {"sglang", sglang,
     "any that the router's groups divide; fast: powers of two with up to 32 a group, and 160, 256, 384 "
     "without groups"},
    {"llama.cpp", llama_cpp,
     "up to 1024 that the router's groups divide; fast on GPUs: powers of two up to 512, and 288, 576"},
};

Question question_of(const Surgery& surgery, const Checkpoint& checkpoint) {
  Question question;
  question.groups = surgery.topology.groups;
  question.score = arch::routing_rule(arch::read_spec(checkpoint)).score;
  const std::string& method = checkpoint.weights().quantization.method;
  question.four_bit_or_8 = !method.empty() && method != "gptq" && method != "awq";
  for (std::size_t i = 0; i < surgery.layers.size(); ++i) {
    if (surgery.drops(surgery.topology.layers[i])) continue;
    const std::int64_t count = surgery.experts_after(i);
    if (question.experts == 0) question.experts = count;
    question.uniform = question.uniform && question.experts == count;
  }
  return question;
}

/// The nearest count that `fits`, of two the larger.
template <typename Fits>
std::optional<std::int64_t> nearest_count(std::int64_t to, std::int64_t least, std::int64_t most, Fits fits) {
  for (std::int64_t distance = 0; distance <= most; ++distance) {
    for (const std::int64_t count : {to + distance, to - distance})
      if (count >= least && count <= most && fits(count)) return count;
  }
  return std::nullopt;
}

std::int64_t most_experts(const Topology& topology) {
  std::int64_t most = 0;
  for (const MoeLayerTensors& layer : topology.layers) most = std::max(most, layer.num_experts);
  return most;
}

}  // namespace

std::span<const std::string_view> engine_names() {
  static const auto names = [] {
    std::vector<std::string_view> all;
    for (const Engine& engine : kEngines) all.push_back(engine.name);
    return all;
  }();
  return names;
}

EngineReport ask_engines(const std::vector<std::string>& engines, const Surgery& surgery,
                         const Checkpoint& checkpoint) {
  std::vector<const Engine*> asked;
  for (const std::string& name : engines)
    asked.push_back(&find_named(std::span<const Engine>(kEngines), "--engine", name));
  Question question = question_of(surgery, checkpoint);
  EngineReport report{question.experts, {}, {}, {}};
  for (const Engine* engine : asked) {
    Answer answer = engine->answer(question);
    report.answers.push_back(
        {engine->name, answer.takes, answer.fast, std::move(answer.why), engine->counts});
  }
  question.uniform = true;
  const auto all = [&](bool Answer::*what) {
    return [&, what](std::int64_t count) {
      question.experts = count;
      return std::all_of(asked.begin(), asked.end(),
                         [&](const Engine* engine) { return engine->answer(question).*what; });
    };
  };
  const std::int64_t least = (surgery.experts_per_token + surgery.topology.top_groups - 1) /
                             surgery.topology.top_groups * surgery.topology.groups;
  const std::int64_t most = most_experts(surgery.topology);
  report.nearest = nearest_count(report.experts, least, most, all(&Answer::takes));
  report.nearest_fast = nearest_count(report.experts, least, most, all(&Answer::fast));
  return report;
}

}  // namespace espalier
