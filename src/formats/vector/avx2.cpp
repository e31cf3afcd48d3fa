#include "formats/vector/row_parts.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Functions are built for their instruction set one by one, so that the file links into a common program.
#define ESPALIER_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace espalier::formats {
namespace {

/// FP8 E4M3 is half precision with one bit of exponent less: shifted into place it is the number / 2^8, and
/// the conversion knows numbers below the normal ones. 0x7f is NaN.
ESPALIER_AVX2 inline __m256 fp8_avx2(const std::byte* codes) {
  const __m128i words = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
  const __m128i size = _mm_and_si128(words, _mm_set1_epi16(0x7f));
  const __m128i sign = _mm_slli_epi16(_mm_and_si128(words, _mm_set1_epi16(0x80)), 8);
  const __m128i nan = _mm_and_si128(_mm_cmpeq_epi16(size, _mm_set1_epi16(0x7f)), _mm_set1_epi16(0x7e00));
  const __m128i half = _mm_or_si128(_mm_or_si128(_mm_slli_epi16(size, 7), sign), nan);
  return _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(256.0F));
}

ESPALIER_AVX2 void fp8_row_avx2(const Fp8Row& row) {
  for (std::int64_t i = 0; i < row.columns;) {
    const std::int64_t end = std::min(row.columns, i + row.block);
    const float scale = row.scales[i / row.block];
    const __m256 factor = _mm256_set1_ps(scale);
    for (; i + 8 <= end; i += 8) _mm256_storeu_ps(row.to + i, _mm256_mul_ps(fp8_avx2(row.codes + i), factor));
    if (i < end) fp8_numbers(row, i, end, scale);
    i = end;
  }
}

/// Sixteen codes, each as the table has it.
ESPALIER_AVX2 inline __m128i look_up_avx2(const std::byte* codes, __m128i table) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
  const __m128i mask = _mm_set1_epi8(15);
  const __m128i low = _mm_and_si128(bytes, mask), high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
  return _mm_shuffle_epi8(table, _mm_unpacklo_epi8(low, high));
}

enum class After { kNothing, kTimes, kOver };

template <After kAfter>
ESPALIER_AVX2 inline __m256 scaled_avx2(__m128i numbers, __m256 zero, __m256 scale, __m256 after) {
  const __m256 whole = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(numbers));
  const __m256 value = _mm256_mul_ps(_mm256_sub_ps(whole, zero), scale);
  if (kAfter == After::kTimes) return _mm256_mul_ps(value, after);
  return kAfter == After::kOver ? _mm256_div_ps(value, after) : value;
}

template <After kAfter>
ESPALIER_AVX2 void nibble_row_avx2(const NibbleRow& row) {
  const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row.table));
  const __m256 after = _mm256_set1_ps(kAfter == After::kTimes ? row.times : row.over);
  std::int64_t i = 0;
  for (std::int64_t g = 0; i < row.columns; ++g) {
    const std::int64_t end = std::min(row.columns, i + row.group);
    const __m256 scale = _mm256_set1_ps(row.scales[g]), zero = _mm256_set1_ps(row.zeros[g]);
    for (; i % 2 == 0 && i + 16 <= end; i += 16) {
      const __m128i numbers = look_up_avx2(row.codes + i / 2, table);
      _mm256_storeu_ps(row.to + i, scaled_avx2<kAfter>(numbers, zero, scale, after));
      _mm256_storeu_ps(row.to + i + 8, scaled_avx2<kAfter>(_mm_srli_si128(numbers, 8), zero, scale, after));
    }
    for (; i < end; ++i) row.to[i] = nibble_number(row, i, row.scales[g], row.zeros[g]);
  }
}

void nibbles_avx2(const NibbleRow& row) {
  if (row.times != 1) return nibble_row_avx2<After::kTimes>(row);
  return row.over != 1 ? nibble_row_avx2<After::kOver>(row) : nibble_row_avx2<After::kNothing>(row);
}

/// Eight inputs of one word.
ESPALIER_AVX2 inline void word_column_avx2(const WordColumns& op, std::int64_t r, std::int64_t o,
                                           __m256i shifts) {
  const __m256i word = _mm256_set1_epi32(static_cast<int>(load_word(op.words, r * op.stride + o)));
  const __m256 numbers =
      _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srlv_epi32(word, shifts), _mm256_set1_epi32(15)));
  const float* scales = op.scales + o * op.groups;
  const float* zeros = op.zeros + o * op.groups;
  const std::int32_t* groups = op.group_of + r * 8;
  __m256 scale, zero;
  if (op.word_each_group) {
    scale = _mm256_set1_ps(scales[groups[0]]);
    zero = _mm256_set1_ps(zeros[groups[0]]);
  } else {
    const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(groups));
    scale = _mm256_i32gather_ps(scales, at, 4);
    zero = _mm256_i32gather_ps(zeros, at, 4);
  }
  _mm256_storeu_ps(op.to + o * op.inputs + r * 8, _mm256_mul_ps(_mm256_sub_ps(numbers, zero), scale));
}

/// Sixteen outputs lie in one line of the words' memory, and two words make one line of an output's row.
ESPALIER_AVX2 void word_columns_avx2(const WordColumns& op) {
  if (op.bits != 4) return kBaselineRows.word_columns(op);
  const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
  const std::int64_t rows = op.inputs / 8;
  for (std::int64_t first = 0; first < op.outputs; first += 16) {
    const std::int64_t end = std::min(op.outputs, first + 16);
    for (std::int64_t r = 0; r < rows; r += 2) {
      for (std::int64_t o = first; o < end; ++o) {
        word_column_avx2(op, r, o, shifts);
        if (r + 1 < rows) word_column_avx2(op, r + 1, o, shifts);
      }
    }
  }
}

/// Rows become columns.
ESPALIER_AVX2 inline void transpose_avx2(__m256 (&v)[8]) {
  __m256 pairs[8], fours[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int half = 0; half < 2; ++half) {
      fours[i + 2 * half] = _mm256_shuffle_ps(pairs[i + half], pairs[i + 2 + half], 0x44);
      fours[i + 2 * half + 1] = _mm256_shuffle_ps(pairs[i + half], pairs[i + 2 + half], 0xee);
    }
  }
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
    v[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
  }
}

ESPALIER_AVX2 void word_rows_avx2(const WordRows& op) {
  const __m256i shifts = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kAwqShift));
  std::int64_t i = 0;
  for (; i + 8 <= op.inputs; i += 8) {
    __m256 v[8];
    for (int k = 0; k < 8; ++k) {
      const std::int64_t at = (i + k) / op.group * 8;
      const __m256i word = _mm256_set1_epi32(static_cast<int>(load_word(op.words, (i + k) * op.stride)));
      const __m256i codes = _mm256_and_si256(_mm256_srlv_epi32(word, shifts), _mm256_set1_epi32(15));
      v[k] = _mm256_mul_ps(_mm256_sub_ps(_mm256_cvtepi32_ps(codes), _mm256_loadu_ps(op.zeros + at)),
                           _mm256_loadu_ps(op.scales + at));
    }
    transpose_avx2(v);
    for (int o = 0; o < 8; ++o) _mm256_storeu_ps(op.to + o * op.inputs + i, v[o]);
  }
  for (; i < op.inputs; ++i) word_row(op, i);
}

}  // namespace

constinit const RowDecoders kAvx2Rows{fp8_row_avx2, nibbles_avx2, word_columns_avx2, word_rows_avx2};

}  // namespace espalier::formats
#endif
