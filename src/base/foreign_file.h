#pragma once

#include <string_view>

namespace espalier {

/// Throws UserError, with what to do, when the first bytes of `content` are of what is neither text nor one
/// of our formats: a Git LFS pointer, UTF-16, Parquet, an archive, a GGUF model, ...
void refuse_foreign(std::string_view content, std::string_view source);

/// Also for a saved web page and for compressed data: where JSON, a table or weights are expected.
void refuse_foreign_or_page(std::string_view content, std::string_view source);

}  // namespace espalier
