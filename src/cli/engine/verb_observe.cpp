#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/machine.h"
#include "base/stopwatch.h"
#include "cli/engine/engine_verbs.h"
#include "cli/engine/image_set_options.h"
#include "cli/terminal.h"
#include "data/calibration.h"
#include "observe/observe.h"
#include "observe/observe_images.h"
#include "observe/observe_weights.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

struct ObserveArguments {
  std::string model, out;
  std::vector<std::string> data, merge;
  std::vector<double> weights;
  CalibrationOptions calibration;
  std::string rows = "joined", hidden_dtype = "f32";
  std::optional<double> max_memory_gigabytes;
  bool resume = false;
  std::vector<std::string> similarity;
  std::int64_t keep_tokens = 0, probes = 1024;
  std::optional<std::int64_t> similarity_tokens, similarity_width;

  bool asks(std::string_view kind) const {
    return std::find(similarity.begin(), similarity.end(), kind) != similarity.end();
  }
  bool asks_weights() const { return asks("weights") || asks("probes"); }
  std::string images, split = "train";
  std::vector<std::string> classes;
};

void print(const Observations& observations, const ObserveArguments& arguments, double seconds,
           const GlobalOptions& global) {
  double tokens = 0;
  std::int64_t sequences = 0;
  for (const ObservedData& data : observations.data) {
    tokens += static_cast<double>(data.tokens);
    sequences += data.sequences;
  }
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.observe/1"},
                                         {"out", arguments.out},
                                         {"layers", observations.layers.size()},
                                         {"sequences", sequences},
                                         {"tokens", tokens},
                                         {"seconds", seconds},
                                         {"tokens_per_second", seconds > 0 ? tokens / seconds : 0.0},
                                         {"peak_rss_bytes", peak_resident_bytes()}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  const std::size_t layers = observations.layers.size();
  std::cout << fmt::format("{}: {} MoE layer{}, {} tokens in {} row{}", arguments.out, layers,
                           layers == 1 ? "" : "s", grouped_text(static_cast<std::uint64_t>(tokens)),
                           grouped_text(static_cast<std::uint64_t>(sequences)), sequences == 1 ? "" : "s");
  if (seconds > 0)
    std::cout << fmt::format(", {} ({:.0f} tokens/s), peak memory {:.1f} MB", duration_text(seconds),
                             tokens / seconds, static_cast<double>(peak_resident_bytes()) / 1e6);
  std::cout << '\n';
}

void run_merge(const ObserveArguments& arguments, const GlobalOptions& global) {
  if (!arguments.data.empty()) throw UserError("--merge: joins files that are there, without --data");
  std::vector<double> weights = arguments.weights;
  if (weights.empty()) weights.assign(arguments.merge.size(), 1.0);
  if (weights.size() != arguments.merge.size())
    throw UserError(
        fmt::format("--weights: {} numbers for {} files", weights.size(), arguments.merge.size()));
  std::vector<Observations> parts;
  for (const std::string& file : arguments.merge) parts.push_back(read_observations(file));
  const Observations merged = merge(parts, weights);
  write_observations(arguments.out, merged);
  print(merged, arguments, 0.0, global);
}

SimilarityOptions similarity_of(const ObserveArguments& arguments, const GlobalOptions& global) {
  SimilarityOptions options;
  options.moments = arguments.asks("output") || arguments.asks("cka");
  options.cross_moments = arguments.asks("cka");
  options.samples = arguments.keep_tokens;
  options.tokens = arguments.similarity_tokens;
  options.projected = arguments.similarity_width;
  options.seed = global.seed;
  return options;
}

/// Without data: what weights alone say.
void run_without_data(const ObserveArguments& arguments, const GlobalOptions& global) {
  if (arguments.similarity.size() >
          static_cast<std::size_t>(arguments.asks("weights") + arguments.asks("probes")) ||
      arguments.keep_tokens > 0)
    throw UserError("--data is missing", "of --similarity, weights and probes alone go without");
  const infer::DecoderModel model = infer::load_decoder(Checkpoint::open(arguments.model));
  const Terminal terminal(global);
  WeightObservationOptions options;
  options.model = arguments.model;
  options.weights = arguments.asks("weights");
  options.probes = arguments.asks("probes") ? arguments.probes : 0;
  options.seed = global.seed;
  options.progress = terminal.progress();
  const Stopwatch stopwatch;
  const Observations observations = observe_weights(model, options);
  write_observations(arguments.out, observations);
  terminal.finish();
  print(observations, arguments, stopwatch.seconds(), global);
}

bool needs_tokenizer(const std::vector<std::string>& files) {
  return std::any_of(files.begin(), files.end(),
                     [](const std::string& file) { return !file.ends_with(".json"); });
}

/// The tokenizer of the model's folder; none where all files hold ids and there is none.
std::unique_ptr<Tokenizer> tokenizer_of(const ObserveArguments& arguments) {
  if (needs_tokenizer(arguments.data)) return open_tokenizer(arguments.model);
  try {
    return open_tokenizer(arguments.model);
  } catch (const UserError&) {
    return nullptr;  // ids need none; tokens will have no text
  }
}

ObserveOptions options_of(const ObserveArguments& arguments, const Terminal& terminal,
                          const GlobalOptions& global) {
  ObserveOptions options;
  options.model = arguments.model;
  options.out = arguments.out;
  if (arguments.max_memory_gigabytes)
    options.max_memory_bytes = static_cast<std::uint64_t>(*arguments.max_memory_gigabytes * 1e9);
  options.hidden_dtype = arguments.hidden_dtype == "bf16" ? Dtype::kBF16 : Dtype::kF32;
  options.resume = arguments.resume ? Resume::kIfPossible : Resume::kNo;
  options.similarity = similarity_of(arguments, global);
  options.progress = terminal.progress();
  options.note = terminal.notes();
  return options;
}

void run_images(const ObserveArguments& arguments, const GlobalOptions& global) {
  constexpr std::int64_t kBatch = 256;
  const infer::VisionModel model = infer::load_vision(Checkpoint::open(arguments.model));
  ImageSet set = open_images(arguments.images, arguments.split);
  if (!arguments.classes.empty()) set = only_classes(set, arguments.classes);
  const Terminal terminal(global);
  const Stopwatch stopwatch;
  const Observations observations = observe_images(model, set, kBatch, terminal.progress());
  write_observations(arguments.out, observations);
  terminal.finish();
  print(observations, arguments, stopwatch.seconds(), global);
}

void run_observe(ObserveArguments& arguments, const GlobalOptions& global) {
  if (!arguments.merge.empty()) return run_merge(arguments, global);
  if (arguments.model.empty())
    throw UserError("MODEL is missing", "espalier observe MODEL --data FILE --out FILE");
  if (arguments.asks_weights() && !arguments.data.empty())
    throw UserError("--similarity weights and probes are of the model alone, --data is given",
                    "observe them by themselves, and join both files with --merge");
  if (!arguments.images.empty() && (!arguments.similarity.empty() || arguments.keep_tokens > 0))
    throw UserError("--similarity and --keep-tokens are of language models, --images is given",
                    "observe images without them");
  if (!arguments.images.empty()) return run_images(arguments, global);
  if (arguments.asks_weights()) return run_without_data(arguments, global);
  if (arguments.data.empty())
    throw UserError("--data is missing", "text, JSON Lines or token ids to observe on");
  const infer::DecoderModel model = infer::load_decoder(Checkpoint::open(arguments.model));
  const Terminal terminal(global);
  const auto tokenizer = tokenizer_of(arguments);
  arguments.calibration.seed = global.seed;
  arguments.calibration.sequence_length =
      std::min(arguments.calibration.sequence_length, model.config.max_positions);
  arguments.calibration.rows =
      arguments.rows == "documents" ? CalibrationRows::kDocuments : CalibrationRows::kJoined;
  const std::vector<std::filesystem::path> files(arguments.data.begin(), arguments.data.end());
  const CalibrationSet set = read_calibration(files, tokenizer.get(), model.config.vocab_size,
                                              arguments.calibration, terminal.progress());
  ObservedData data;
  data.source = set.source;
  data.sha256 = set.sha256;
  data.seed = set.seed;
  data.sequence_length = set.sequence_length;
  const Stopwatch stopwatch;
  const Observations observations =
      observe(model, {set.rows, data}, tokenizer.get(), options_of(arguments, terminal, global));
  write_observations(arguments.out, observations);
  discard_observe_state(arguments.out);
  terminal.finish();
  print(observations, arguments, stopwatch.seconds(), global);
}

void add_data_options(CLI::App& app, ObserveArguments& a) {
  app.add_option("--data", a.data, "text, .jsonl or token ids (.json); text and .jsonl also .gz and .zst")
      ->type_name("FILE");
  app.add_option("--samples", a.calibration.samples, "rows, drawn by the seed")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--seq-len", a.calibration.sequence_length, "tokens of a row")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--rows", a.rows, "joined: documents joined and cut; documents: one a row")
      ->capture_default_str()
      ->check(CLI::IsMember({"joined", "documents"}));
  app.add_option("--text-field", a.calibration.documents.field,
                 "of .jsonl: the text, or a list of chat messages")
      ->capture_default_str();
  app.add_option("--chat-template", a.calibration.documents.chat_template,
                 "of a chat message: plain, chatml, inst, or a pattern with {role} and {content}")
      ->capture_default_str();
}

void add_similarity_options(CLI::App& app, ObserveArguments& a) {
  app.add_option(
         "--similarity", a.similarity,
         "how alike experts are; every expert computes every token: cka, output; logits are always there. "
         "Without --data: weights, probes")
      ->delimiter(',')
      ->check(CLI::IsMember({"cka", "output", "logits", "weights", "probes"}))
      ->type_name("KIND,..");
  app.add_option("--similarity-tokens", a.similarity_tokens, "that every expert computes; default: all")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--similarity-width", a.similarity_width,
         "of projected outputs for cka; default: exact where experts times width is up to 2048, else 2048 "
         "over the experts")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--keep-tokens", a.keep_tokens,
         "single tokens that every expert computes and that are kept, for reconstruction and least squares")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--probes", a.probes, "Gaussian vectors of --similarity probes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

}  // namespace

void add_observe(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ObserveArguments>();
  ObserveArguments& a = *arguments;
  app.add_option("model", a.model, "checkpoint folder of a decoder, or of a vision model")
      ->type_name("MODEL");
  add_data_options(app, a);
  add_similarity_options(app, a);
  add_image_set_options(app, a.images, a.classes);
  app.add_option("--split", a.split, "of the images: train or test")->capture_default_str();
  app.add_option("--merge", a.merge, "joins files of observations of one model instead")->type_name("OBS");
  app.add_option("--weights", a.weights, "of the files of --merge; default 1 each");
  app.add_option("--out", a.out, "observations.safetensors")->required()->type_name("FILE");
  app.add_flag("--resume", a.resume, "go on with an interrupted run, from the layer it reached");
  app.add_option("--max-memory", a.max_memory_gigabytes,
                 "GB of hidden states in memory; more go to mapped files beside OUT")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--hidden-dtype", a.hidden_dtype, "of hidden states between layers: f32 or bf16")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16"}));
  app.footer(
      "Example:\n  espalier observe mixtral --data code.txt --out code.safetensors\n  espalier observe "
      "--merge "
      "code.safetensors prose.safetensors --weights 1 2 --out both.safetensors");
  app.callback([arguments, &global] { run_observe(*arguments, global); });
}

}  // namespace espalier
