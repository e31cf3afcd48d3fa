#pragma once

#include <zlib.h>
#include <zstd.h>

#include <string>

#include "temporary_folder.h"

namespace espalier {

/// `text` as a .gz file holds it.
inline std::string gzip(const std::string& text) {
  const TemporaryFolder folder;
  const std::string file = (folder / "packed.gz").string();
  gzFile out = gzopen(file.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// `text` as a .zst file holds it.
inline std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

}  // namespace espalier
