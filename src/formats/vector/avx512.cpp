#include "formats/vector/row_parts.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if !defined(__clang__)  // the compiler's own header, in GCC 12 (bug 105593)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define ESPALIER_AVX512 __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")))

// As avx2.cpp, in vectors of sixteen numbers. Words are taken apart there: eight numbers are what one holds.

namespace espalier::formats {
namespace {

ESPALIER_AVX512 inline __m512 fp8_avx512(__m128i codes) {
  const __m256i words = _mm256_cvtepu8_epi16(codes);
  const __m256i size = _mm256_and_si256(words, _mm256_set1_epi16(0x7f));
  const __m256i sign = _mm256_slli_epi16(_mm256_and_si256(words, _mm256_set1_epi16(0x80)), 8);
  const __m256i half = _mm256_or_si256(_mm256_slli_epi16(size, 7), sign);
  const __mmask16 nan = _mm256_cmpeq_epi16_mask(size, _mm256_set1_epi16(0x7f));
  const __m512 number = _mm512_cvtph_ps(_mm256_mask_mov_epi16(half, nan, _mm256_set1_epi16(0x7e00)));
  return _mm512_mul_ps(number, _mm512_set1_ps(256.0F));
}

ESPALIER_AVX512 void fp8_row_avx512(const Fp8Row& row) {
  for (std::int64_t i = 0; i < row.columns;) {
    const std::int64_t end = std::min(row.columns, i + row.block);
    const __m512 factor = _mm512_set1_ps(row.scales[i / row.block]);
    for (; i + 16 <= end; i += 16) {
      const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row.codes + i));
      _mm512_storeu_ps(row.to + i, _mm512_mul_ps(fp8_avx512(codes), factor));
    }
    const auto rest = static_cast<__mmask16>((1U << (end - i)) - 1);
    if (i < end) {
      const __m128i codes = _mm_maskz_loadu_epi8(rest, row.codes + i);
      _mm512_mask_storeu_ps(row.to + i, rest, _mm512_mul_ps(fp8_avx512(codes), factor));
    }
    i = end;
  }
}

enum class After512 { kNothing, kTimes, kOver };

template <After512 kAfter>
ESPALIER_AVX512 inline __m512 scaled_avx512(__m128i numbers, __m512 zero, __m512 scale, __m512 after) {
  const __m512 whole = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(numbers));
  const __m512 value = _mm512_mul_ps(_mm512_sub_ps(whole, zero), scale);
  if (kAfter == After512::kTimes) return _mm512_mul_ps(value, after);
  return kAfter == After512::kOver ? _mm512_div_ps(value, after) : value;
}

template <After512 kAfter>
ESPALIER_AVX512 void nibble_row_avx512(const NibbleRow& row) {
  const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row.table));
  const __m128i mask = _mm_set1_epi8(15);
  const __m512 after = _mm512_set1_ps(kAfter == After512::kTimes ? row.times : row.over);
  std::int64_t i = 0;
  for (std::int64_t g = 0; i < row.columns; ++g) {
    const std::int64_t end = std::min(row.columns, i + row.group);
    const __m512 scale = _mm512_set1_ps(row.scales[g]), zero = _mm512_set1_ps(row.zeros[g]);
    for (; i % 2 == 0 && i + 16 <= end; i += 16) {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row.codes + i / 2));
      const __m128i low = _mm_and_si128(bytes, mask), high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
      const __m128i numbers = _mm_shuffle_epi8(table, _mm_unpacklo_epi8(low, high));
      _mm512_storeu_ps(row.to + i, scaled_avx512<kAfter>(numbers, zero, scale, after));
    }
    for (; i < end; ++i) row.to[i] = nibble_number(row, i, row.scales[g], row.zeros[g]);
  }
}

void nibbles_avx512(const NibbleRow& row) {
  if (row.times != 1) return nibble_row_avx512<After512::kTimes>(row);
  return row.over != 1 ? nibble_row_avx512<After512::kOver>(row) : nibble_row_avx512<After512::kNothing>(row);
}

void word_columns_avx512(const WordColumns& op) {
  kAvx2Rows.word_columns(op);
}

void word_rows_avx512(const WordRows& op) {
  kAvx2Rows.word_rows(op);
}

}  // namespace

constinit const RowDecoders kAvx512Rows{fp8_row_avx512, nibbles_avx512, word_columns_avx512,
                                        word_rows_avx512};

}  // namespace espalier::formats

#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
