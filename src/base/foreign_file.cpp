#include "base/foreign_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/error.h"

namespace espalier {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kToldBytes = 512;  // so many tell what a file is

struct ForeignKind {
  std::string_view begin;
  std::string_view what;
  std::string_view hint;  // {} is the file
};

constexpr std::string_view kUtf16 = "convert it: iconv -f UTF-16 -t UTF-8 {} > utf8.txt";
constexpr std::string_view kUtf32 = "convert it: iconv -f UTF-32 -t UTF-8 {} > utf8.txt";

constexpr std::array kKinds = {
    ForeignKind{"version https://git-lfs.github.com/spec/"sv,
                "is a Git LFS pointer, the file itself was not fetched",
                "in its repository: git lfs install; git lfs pull"},
    ForeignKind{"\xFF\xFE\0\0"sv, "is UTF-32 (byte order mark), expected UTF-8", kUtf32},
    ForeignKind{"\0\0\xFE\xFF"sv, "is UTF-32 (byte order mark), expected UTF-8", kUtf32},
    ForeignKind{"\xFF\xFE"sv, "is UTF-16 (byte order mark), expected UTF-8", kUtf16},
    ForeignKind{"\xFE\xFF"sv, "is UTF-16 (byte order mark), expected UTF-8", kUtf16},
    ForeignKind{
        "PAR1\x15"sv, "is Parquet, which is not read",
        "write it as .jsonl: python3 -c \"import pandas as p; p.read_parquet('{}').to_json('data.jsonl', "
        "orient='records', lines=True)\""},
    ForeignKind{
        "ARROW1\0\0"sv, "is Arrow, which is not read",
        "write it as .jsonl: python3 -c \"import pandas as p; p.read_feather('{}').to_json('data.jsonl', "
        "orient='records', lines=True)\""},
    ForeignKind{"PK\x03\x04"sv, "is a zip archive (.zip, .xlsx, .npz, .pt), which is not read",
                "unpack it, or save what it holds in a form that is read"},
    ForeignKind{"BZh91AY&SY"sv, "is compressed by bzip2, which is not read", "unpack it: bunzip2 -k {}"},
    ForeignKind{"\xFD"
                "7zXZ\0"sv,
                "is compressed by xz, which is not read", "unpack it: xz -dk {}"},
    ForeignKind{"7z\xBC\xAF\x27\x1C"sv, "is a 7z archive, which is not read", "unpack it"},
    ForeignKind{"GGUF\x01\0\0\0"sv, "is a GGUF model",
                "name a folder with config.json and model.safetensors"},
    ForeignKind{"GGUF\x02\0\0\0"sv, "is a GGUF model",
                "name a folder with config.json and model.safetensors"},
    ForeignKind{"GGUF\x03\0\0\0"sv, "is a GGUF model",
                "name a folder with config.json and model.safetensors"},
    ForeignKind{"%PDF-"sv, "is a PDF document", "write its text to a .txt file: pdftotext {} text.txt"},
    ForeignKind{"SQLite format 3\0"sv, "is an SQLite data base", "write its rows to a .csv or .jsonl file"},
};

constexpr std::array kPages = {
    ForeignKind{"<!doctype html"sv, "is an HTML page in place of the file",
                "read it in a browser: the download was refused or needs a login; then download again"},
    ForeignKind{"<html"sv, "is an HTML page in place of the file",
                "read it in a browser: the download was refused or needs a login; then download again"},
    ForeignKind{"<?xml"sv, "is an XML page in place of the file",
                "read it: servers answer so to refuse a download; then download again"},
    ForeignKind{"\x1F\x8B"sv, "is compressed by gzip, expected the file itself", "unpack it: gzip -dk {}"},
    ForeignKind{"\x28\xB5\x2F\xFD"sv, "is compressed by Zstandard, expected the file itself",
                "unpack it: zstd -dk {}"},
};

[[noreturn]] void refuse(const ForeignKind& kind, std::string_view source) {
  std::string hint(kind.hint);
  if (const auto at = hint.find("{}"); at != std::string::npos) hint.replace(at, 2, source);
  throw UserError(fmt::format("{}: {}", source, kind.what), hint);
}

/// Half of all bytes are zero, all of them at even or all at odd places: UTF-16 of Latin letters.
bool is_bare_utf16(std::string_view begin) {
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < begin.size(); ++i) zeros[i % 2] += begin[i] == '\0' ? 1 : 0;
  const std::size_t most = std::max(zeros[0], zeros[1]), least = std::min(zeros[0], zeros[1]);
  return begin.size() >= 8 && least == 0 && most * 5 >= begin.size() * 2;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

void refuse_foreign(std::string_view content, std::string_view source) {
  const std::string_view begin = content.substr(0, kToldBytes);
  for (const ForeignKind& kind : kKinds) {
    if (begin.starts_with(kind.begin)) refuse(kind, source);
  }
  if (!is_bare_utf16(begin)) return;
  const bool little = begin[1] == '\0';
  throw UserError(
      fmt::format("{}: is UTF-16 (a zero byte beside every letter), expected UTF-8", source),
      fmt::format("convert it: iconv -f UTF-16{} -t UTF-8 {} > utf8.txt", little ? "LE" : "BE", source));
}

void refuse_foreign_or_page(std::string_view content, std::string_view source) {
  refuse_foreign(content, source);
  std::string_view begin = content.substr(0, kToldBytes);
  begin.remove_prefix(std::min(begin.size(), begin.find_first_not_of(" \t\r\n\xEF\xBB\xBF")));
  const std::string page = lower(begin.substr(0, 16));
  for (const ForeignKind& kind : kPages) {
    if (page.starts_with(kind.begin)) refuse(kind, source);
  }
}

}  // namespace espalier
