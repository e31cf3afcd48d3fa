// Writes pre-training text from WordNet and GCIDE, without the definitions that the WordNet task asks for.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "corpus/pretraining_text.h"
#include "example_main.h"

namespace espalier::examples {
namespace {

struct CorpusArguments {
  std::string out;
  std::string wordnet = kWordNetFolder;
  std::string gcide = kGcideFile;
  bool overwrite = false, json = false;
};

/// A written text file and what its writer says of it.
struct Part {
  std::string file;
  std::uint64_t bytes = 0;
  PretrainingTextSummary summary;
};

template <class Write>
Part write_part(const std::filesystem::path& file, Write&& write) {
  AtomicFile output(file);
  Part part{file.string(), 0, {}};
  part.summary = write([&](std::string_view text) {
    output.write(text);
    part.bytes += text.size();
  });
  output.commit();
  return part;
}

nlohmann::ordered_json to_json(const Part& part) {
  return {{"file", part.file},
          {"bytes", part.bytes},
          {"documents", part.summary.documents},
          {"held_out_synsets", part.summary.held_out_synsets},
          {"repeated_held_out", part.summary.repeated_held_out},
          {"wordnet_blocks", part.summary.wordnet_blocks}};
}

void print_part(const Part& part) {
  std::cout << fmt::format(
      "{}: {} documents, {} bytes; left out: {} held-out synsets, {} repetitions of one, "
      "{} parts marked as WordNet's\n",
      part.file, part.summary.documents, part.bytes, part.summary.held_out_synsets,
      part.summary.repeated_held_out, part.summary.wordnet_blocks);
}

void write_corpus(const CorpusArguments& arguments) {
  const std::filesystem::path out = arguments.out;
  const auto synsets = read_wordnet(arguments.wordnet);
  GcideSummary gcide;
  const auto entries = read_gcide(arguments.gcide, &gcide);
  const HeldOutDefinitions held_out(synsets);
  create_output_folder(out, arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail);
  const Part wordnet_part = write_part(
      out / "wordnet.txt", [&](const TextSink& sink) { return write_wordnet_text(synsets, held_out, sink); });
  Part gcide_part = write_part(
      out / "gcide.txt", [&](const TextSink& sink) { return write_gcide_text(entries, held_out, sink); });
  gcide_part.summary.wordnet_blocks = gcide.wordnet_blocks;
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.corpus/1"},
                                         {"held_out_definitions", held_out.size()},
                                         {"files", {to_json(wordnet_part), to_json(gcide_part)}}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  print_part(wordnet_part);
  print_part(gcide_part);
}

}  // namespace
}  // namespace espalier::examples

int main(int argc, char** argv) {
  using namespace espalier::examples;
  CorpusArguments arguments;
  CLI::App app("Writes pre-training text from WordNet and GCIDE without held-out definitions.", "corpus");
  app.add_option("--out", arguments.out, "folder for wordnet.txt and gcide.txt")
      ->required()
      ->type_name("DIR");
  app.add_option("--wordnet", arguments.wordnet, "folder with WordNet's data files (Debian: wordnet-base)")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--gcide", arguments.gcide, "dictd file of GCIDE (Debian: dict-gcide)")
      ->capture_default_str()
      ->type_name("FILE");
  app.add_flag("--overwrite", arguments.overwrite, "DIR may hold other files");
  app.add_flag("--json", arguments.json, "the summary as JSON");
  app.callback([&] { write_corpus(arguments); });
  return run_example(app, argc, argv);
}
