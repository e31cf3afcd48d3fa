#include "pipeline/verbs/observe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/described_model.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/stopwatch.h"
#include "observe/observe.h"
#include "observe/observe_encoder.h"
#include "observe/observe_images.h"
#include "observe/observe_weights.h"
#include "pipeline/language_model.h"
#include "pipeline/make_verb.h"
#include "prune/similarity.h"
#include "report/expert_use.h"
#include "report/quantities.h"
#include "text/tokenizer.h"

namespace espalier::pipeline {
namespace {

bool asks(const ObserveOptions& options, std::string_view kind) {
  return std::ranges::find(options.similarity, kind) != options.similarity.end();
}

bool asks_weights(const ObserveOptions& options) {
  return asks(options, "weights") || asks(options, "probes");
}

void check_observe_options(const ObserveOptions& options) {
  const bool similar = !options.similarity.empty() || options.keep_tokens > 0;
  if (options.model.empty())
    throw UserError("MODEL is missing", "espalier observe MODEL --data FILE --out FILE");
  if (asks_weights(options) && !options.data.empty())
    throw UserError("--similarity weights and probes are of the model alone, --data is given",
                    "observe them by themselves, and join both files with --merge");
  if (options.images.given() && similar)
    throw UserError("--similarity and --keep-tokens are of language models, --images is given",
                    "observe images without them");
  if (options.images.given()) return;
  const auto of_weights = static_cast<std::size_t>(asks(options, "weights") + asks(options, "probes"));
  if (asks_weights(options) && (options.similarity.size() > of_weights || options.keep_tokens > 0))
    throw UserError("--data is missing", "of --similarity, weights and probes alone go without");
  if (!asks_weights(options) && options.data.empty())
    throw UserError("--data is missing", "text, JSON Lines or token ids to observe on");
}

Observations merged(const ObserveOptions& options) {
  if (!options.data.empty())
    throw UserError("--merge: joins files that are there, without --data",
                    "observe --data first, then merge the files");
  std::vector<double> weights = options.weights;
  if (weights.empty()) weights.assign(options.merge.size(), 1.0);
  if (weights.size() != options.merge.size())
    throw UserError(fmt::format("--weights: {} numbers for {} files", weights.size(), options.merge.size()),
                    "give one number for each file of --merge, in their order");
  std::vector<Observations> parts;
  for (const auto& file : options.merge) parts.push_back(read_observations(file));
  return merge(parts, weights);
}

/// Without data: what weights alone say.
Observations observe_model_alone(const ObserveOptions& options, const RunContext& context) {
  const infer::DecoderModel model = open_decoder(options.model, context);
  return observe_weights(model, {.model = options.model.string(),
                                 .weights = asks(options, "weights"),
                                 .probes = asks(options, "probes") ? options.probes : 0,
                                 .seed = context.seed,
                                 .progress = context.progress});
}

Observations observe_vision(const ObserveOptions& options, const RunContext& context) {
  constexpr std::int64_t kBatch = 256;
  const infer::VisionModel model = infer::load_vision(Checkpoint::open(options.model));
  const ImageSet set = open_chosen_images(options.images, options.split);
  return observe_images(model, set, kBatch, context.progress);
}

/// The tokenizer of the model's folder; none where all files hold ids and there is none.
std::unique_ptr<Tokenizer> tokenizer_of(const ObserveOptions& options) {
  const bool needed =
      std::ranges::any_of(options.data, [](const auto& file) { return file.extension() != ".json"; });
  if (needed) return open_tokenizer(options.model);
  try {
    return open_tokenizer(options.model);
  } catch (const UserError&) {
    return nullptr;  // ids need none; tokens will have no text
  }
}

espalier::ObserveOptions library_options(const ObserveOptions& options, const RunContext& context) {
  espalier::ObserveOptions library;
  library.model = options.model.string();
  library.out = options.out;
  library.max_memory_bytes = options.memory.max_bytes();
  library.hidden_dtype = options.memory.hidden_dtype;
  library.resume = options.resume ? Resume::kIfPossible : Resume::kNo;
  library.similarity.moments = asks(options, "output") || asks(options, "cka");
  library.similarity.cross_moments = asks(options, "cka");
  library.similarity.samples = options.keep_tokens;
  library.similarity.tokens = options.similarity_tokens;
  library.similarity.projected = options.similarity_width;
  library.similarity.seed = context.seed;
  library.progress = context.progress;
  library.note = context.note;
  return library;
}

struct Observed {
  Observations observations;
  double seconds = 0;      // without reading
  bool has_state = false;  // beside the output, to go on from
};

CalibrationSet rows_of(const ObserveOptions& options, const Tokenizer* tokenizer, std::int64_t vocabulary,
                       std::int64_t positions, const RunContext& context) {
  CalibrationOptions calibration = options.calibration;
  calibration.seed = context.seed;
  calibration.sequence_length = std::min(calibration.sequence_length, positions);
  return read_calibration(options.data, tokenizer, vocabulary, calibration, context.progress);
}

ObservedRows observed_rows(const CalibrationSet& set) {
  ObservedData data;
  data.source = set.source;
  data.sha256 = set.sha256;
  data.seed = set.seed;
  data.sequence_length = set.sequence_length;
  return {set.rows, data};
}

Observed observe_encoder_on_text(const ObserveOptions& options, Checkpoint checkpoint,
                                 const RunContext& context) {
  if (options.resume) throw UserError("--resume: an encoder is observed in one go", "start again without it");
  const infer::EncoderModel model = infer::load_encoder(std::move(checkpoint));
  const auto tokenizer = tokenizer_of(options);
  const auto set = rows_of(options, tokenizer.get(), model.vocabulary(), model.spec.positions(), context);
  const Stopwatch stopwatch;
  return {observe_encoder(model, observed_rows(set), library_options(options, context)), stopwatch.seconds()};
}

Observed observe_text(const ObserveOptions& options, const RunContext& context) {
  auto checkpoint = Checkpoint::open(options.model);
  if (arch::kind_of(arch::read_spec(checkpoint)) == arch::ModelKind::kEncoder)
    return observe_encoder_on_text(options, std::move(checkpoint), context);
  const infer::DecoderModel model = open_decoder(options.model, context);
  const auto tokenizer = tokenizer_of(options);
  const auto set = rows_of(options, tokenizer.get(), model.vocabulary(), model.spec.positions(), context);
  const Stopwatch stopwatch;
  return {espalier::observe(model, observed_rows(set), tokenizer.get(), library_options(options, context)),
          stopwatch.seconds(), true};
}

Observed observed(const ObserveOptions& options, const RunContext& context) {
  if (!options.merge.empty()) return {merged(options)};
  check_observe_options(options);
  if (!options.images.given() && !asks_weights(options)) return observe_text(options, context);
  const Stopwatch stopwatch;
  Observations observations =
      options.images.given() ? observe_vision(options, context) : observe_model_alone(options, context);
  return {std::move(observations), stopwatch.seconds(), false};
}

double mean_of_pairs(const SimilarityMatrix& matrix, std::size_t E) {
  double sum = 0;
  for (std::size_t i = 0; i < E; ++i)
    for (std::size_t j = 0; j < i; ++j) sum += matrix[i * E + j];
  return sum / static_cast<double>(E * (E - 1) / 2);
}

ObservedLayer summary_of(const LayerObservations& layer) {
  ObservedLayer summary{layer.layer, std::nan(""), std::nan(""), {}};
  if (layer.experts() < 2) return summary;
  if (layer.tokens > 0) {
    const LoadBalance balance = load_balance(layer);
    summary.entropy = balance.entropy;
    summary.router_entropy = balance.router_entropy;
  }
  for (const char* name : {"cka", "output"}) {
    const Similarity& similarity = find_similarity(name);
    if (similarity.available(layer))
      summary.mean_similarity[name] = mean_of_pairs(similarity_of(similarity, layer), layer.experts());
  }
  return summary;
}

std::string line_of(const ObservedLayer& layer) {
  if (std::isnan(layer.entropy) && layer.mean_similarity.empty()) return "";
  std::string line = fmt::format("  layer {}:", layer.layer);
  if (!std::isnan(layer.entropy))
    line += fmt::format(" load entropy {:.3f}, router entropy {:.3f}", layer.entropy, layer.router_entropy);
  for (const auto& [name, mean] : layer.mean_similarity)
    line += fmt::format(", {} {:.3f} on average over pairs", name, mean);
  return line + "\n";
}

void describe_data(options::OptionTable& table, ObserveOptions& options) {
  CalibrationOptions& calibration = options.calibration;
  table.add("data", options.data, "FILE",
            "text, .jsonl or token ids (.json); text and .jsonl also .gz and .zst");
  table.add("samples", calibration.samples, "N", "rows, drawn by the seed").at_least(1);
  table.add("seq-len", calibration.sequence_length, "N", "tokens of a row").at_least(1);
  table.choice("rows", calibration.rows, "HOW",
               {{"joined", CalibrationRows::kJoined}, {"documents", CalibrationRows::kDocuments}},
               "joined: documents joined and cut; documents: one a row");
  describe_documents(table, calibration.documents);
}

void describe_similarity(options::OptionTable& table, ObserveOptions& options) {
  table
      .add("similarity", options.similarity, "KIND,..",
           "how alike experts are; every expert computes every token: cka, output; logits are always there. "
           "Without --data: weights, probes")
      .divided_by(',')
      .among({"cka", "output", "logits", "weights", "probes"});
  table.add("similarity-tokens", options.similarity_tokens, "N", "that every expert computes; default: all")
      .at_least(1);
  table
      .add("similarity-width", options.similarity_width, "N",
           "of projected outputs for cka; default: exact where experts times width is up to 2048, else 2048 "
           "over the experts")
      .at_least(1);
  table
      .add("keep-tokens", options.keep_tokens, "N",
           "single tokens that every expert computes and that are kept, for reconstruction and least squares")
      .at_least(0);
  table.add("probes", options.probes, "N", "Gaussian vectors of --similarity probes").at_least(1);
}

}  // namespace

void describe(options::OptionTable& table, ObserveOptions& options) {
  table.positional("model", options.model, "MODEL",
                   "checkpoint folder of a decoder or an encoder, or of a vision model");
  describe_data(table, options);
  describe_similarity(table, options);
  describe_images(table, options.images);
  table.add("split", options.split, "NAME", "of the images: train or test");
  table.add("merge", options.merge, "OBS", "joins files of observations of one model instead");
  table.add("weights", options.weights, "W", "of the files of --merge; default 1 each");
  table.add("out", options.out, "FILE", "observations.safetensors").require();
  table.flag("resume", options.resume, "go on with an interrupted run, from the layer it reached");
  describe_stream(table, options.memory, "mapped files beside OUT");
}

ObserveSummary observe(const ObserveOptions& options, const RunContext& context) {
  const auto [observations, seconds, has_state] = observed(options, context);
  write_observations(options.out, observations);
  if (has_state) discard_observe_state(options.out);
  ObserveSummary summary{options.out, {}, 0, 0, seconds, peak_resident_bytes()};
  for (const LayerObservations& layer : observations.layers) summary.layers.push_back(summary_of(layer));
  for (const ObservedData& data : observations.data) {
    summary.tokens += static_cast<double>(data.tokens);
    summary.sequences += data.sequences;
  }
  return summary;
}

nlohmann::ordered_json to_json(const ObserveSummary& summary) {
  auto routing = nlohmann::ordered_json::array();
  for (const ObservedLayer& layer : summary.layers) {
    nlohmann::ordered_json of = {{"layer", layer.layer}};
    if (!std::isnan(layer.entropy)) {
      of["load_entropy"] = layer.entropy;
      of["router_entropy"] = layer.router_entropy;
    }
    if (!layer.mean_similarity.empty()) of["mean_similarity"] = layer.mean_similarity;
    routing.push_back(std::move(of));
  }
  return {{"format", "espalier.observe/1"},
          {"out", summary.out.string()},
          {"layers", summary.layers.size()},
          {"routing", routing},
          {"sequences", summary.sequences},
          {"tokens", summary.tokens},
          {"seconds", summary.seconds},
          {"tokens_per_second", summary.seconds > 0 ? summary.tokens / summary.seconds : 0.0},
          {"peak_rss_bytes", summary.peak_rss_bytes}};
}

std::string to_text(const ObserveSummary& summary) {
  std::string text = fmt::format(
      "{}: {} MoE layer{}, {} tokens in {} row{}", summary.out.string(), summary.layers.size(),
      summary.layers.size() == 1 ? "" : "s", grouped_text(static_cast<std::uint64_t>(summary.tokens)),
      grouped_text(static_cast<std::uint64_t>(summary.sequences)), summary.sequences == 1 ? "" : "s");
  if (summary.seconds > 0)
    text += fmt::format(", {} ({:.0f} tokens/s), peak memory {:.1f} MB", duration_text(summary.seconds),
                        summary.tokens / summary.seconds, static_cast<double>(summary.peak_rss_bytes) / 1e6);
  text += "\n";
  for (const ObservedLayer& layer : summary.layers) text += line_of(layer);
  return text;
}

Verb observe_verb() {
  return make_verb({"observe", "say what each expert of a language model does on your text",
                    "Examples:\n  espalier observe mixtral --data code.txt --out code.safetensors\n  "
                    "espalier observe --merge "
                    "code.safetensors prose.safetensors --weights 1 2 --out both.safetensors",
                    20},
                   observe);
}

}  // namespace espalier::pipeline
