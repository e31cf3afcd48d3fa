#include "data/corpus_key.h"

#include <sys/stat.h>

#include <fmt/format.h>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace espalier {
namespace {

constexpr std::string_view kKeyVersion = "espalier.token_corpus/1";
constexpr std::int64_t kSettledNanoseconds = 2'000'000'000;  // a younger file may change within its timestamp

struct Stamp {
  std::int64_t bytes = 0;
  std::int64_t changed_nanoseconds = 0;
  bool settled = false;
};

Stamp stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    throw UserError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)),
                    "check the path");
  }
  Stamp stamp;
  stamp.bytes = status.st_size;
  stamp.changed_nanoseconds = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t now_nanoseconds = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  stamp.settled =
      S_ISREG(status.st_mode) && now_nanoseconds - stamp.changed_nanoseconds > kSettledNanoseconds;
  return stamp;
}

std::string content_hash(const std::filesystem::path& file, std::uint64_t& done, std::uint64_t total,
                         const ProgressSink& progress) {
  return content_sha256(file, [&](std::size_t bytes) {
    done += bytes;
    if (progress) progress({"checking the text", done, total, "bytes"});
  });
}

// What is remembered of earlier runs; a file that does not parse is as good as none.
nlohmann::json remembered(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return nlohmann::json::object();
  auto json = nlohmann::json::parse(read_file(file), nullptr, false);
  return json.is_object() ? json : nlohmann::json::object();
}

bool still_holds(const nlohmann::json& entry, const Stamp& stamp) {
  return entry.is_object() && entry.value("bytes", nlohmann::json()) == stamp.bytes &&
         entry.value("changed_nanoseconds", nlohmann::json()) == stamp.changed_nanoseconds &&
         entry.value("sha256", nlohmann::json()).is_string();
}

}  // namespace

std::string corpus_key(const std::vector<std::filesystem::path>& text_files, const CorpusTokenizer& tokenizer,
                       DocumentBoundary boundary, const std::filesystem::path& cache_folder,
                       const ProgressSink& progress) {
  const auto memory_file = cache_folder / "sources.json";
  auto memory = remembered(memory_file);
  const auto before = memory;
  std::vector<Stamp> stamps;
  std::uint64_t total = 0;
  for (const auto& file : text_files) {
    stamps.push_back(stamp_of(file));
    total += static_cast<std::uint64_t>(stamps.back().bytes);
  }
  std::string what = fmt::format("{}\nboundary {}\n", kKeyVersion, static_cast<int>(boundary));
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < text_files.size(); ++i) {
    auto& entry = memory[std::filesystem::absolute(text_files[i]).lexically_normal().string()];
    if (!still_holds(entry, stamps[i])) {
      const auto hash = content_hash(text_files[i], done, total, progress);
      entry = {{"bytes", stamps[i].bytes},
               // One that changed just now may change again under the same time: never taken for known.
               {"changed_nanoseconds", stamps[i].settled ? stamps[i].changed_nanoseconds : 0},
               {"sha256", hash}};
    }
    what += "text " + entry["sha256"].get<std::string>() + '\n';
  }
  what += tokenizer.identity;
  if (memory != before)
    write_file(memory_file, memory.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return sha256(what);
}

}  // namespace espalier
