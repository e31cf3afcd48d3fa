#include "base/foreign_file.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using namespace std::string_literals;

TEST(ForeignFile, IsNamedWithWhatToDo) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n",
       {"f: is a Git LFS", "git lfs pull"}},
      {"\xFF\xFEt\0e\0"s, {"UTF-16 (byte order mark)", "iconv -f UTF-16 -t UTF-8 f"}},
      {"\xFE\xFF\0t\0e"s, {"UTF-16 (byte order mark)"}},
      {"\xFF\xFE\0\0t\0\0\0"s, {"UTF-32"}},
      {"t\0e\0x\0t\0,\0"s, {"UTF-16 (a zero byte", "iconv -f UTF-16LE"}},
      {"\0t\0e\0x\0t"s, {"iconv -f UTF-16BE"}},
      {"PAR1\x15\x04\x15", {"is Parquet", "read_parquet('f')", "lines=True"}},
      {"ARROW1\0\0"s, {"is Arrow", "read_feather"}},
      {"PK\x03\x04", {"is a zip archive"}},
      {"BZh91AY&SY", {"bzip2", "bunzip2 -k f"}},
      {"\xFD"
       "7zXZ\0"s,
       {"xz -dk f"}},
      {"GGUF\x03\0\0\0"s, {"GGUF"}},
      {"%PDF-1.4", {"PDF"}}};
  for (const auto& [bytes, fragments] : cases) {
    SCOPED_TRACE(fragments.front());
    expect_user_error([&, &begin = bytes] { refuse_foreign(begin, "f"); }, fragments);
  }
}

TEST(ForeignFile, TextIsNot) {
  for (const std::string& text :
       {""s, "P"s, "PAR1S is a town"s, "BZh, he said"s, "GGUF is a format"s, "a\0b"s,
        "<html>about HTML</html>"s, "\xEF\xBB\xBF{}"s, "\0\0\0\0\0\0\0\0\0"s})
    EXPECT_NO_THROW(refuse_foreign(text, "f")) << text;
}

TEST(ForeignFile, PagesAndPackedFilesAreNamedWhereJsonIsExpected) {
  expect_user_error([] { parse_json("\n<!DOCTYPE html><html>401</html>", "f"); }, {"f: is an HTML page"});
  expect_user_error([] { parse_json("<HTML>", "f"); }, {"f: is an HTML page"});
  expect_user_error([] { parse_json("<?xml version='1.0'?><Error/>", "f"); }, {"f: is an XML page"});
  expect_user_error([] { parse_json("\x1F\x8B\x08", "f"); }, {"compressed by gzip", "gzip -dk f"});
  expect_user_error([] { parse_json("", "f"); }, {"f:1:1", "the file is empty"});
}

}  // namespace
}  // namespace espalier
