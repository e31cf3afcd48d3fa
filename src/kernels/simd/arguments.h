#pragma once

#include <cstdint>

/// What each kernel takes. All tensors are row-major and contiguous; `float*` is float32. A pointer with
/// the default nullptr may be left out. An output may be the same pointer as an input only where it is said.
/// Shapes use the letters of src/README.md, with n for rows of any kind and d or f for their width.
namespace espalier::simd {

/// Which elements dropout keeps: element i (modulo 2^32) of a tensor is kept if a hash of (key, i) is at
/// least p * 2^32, so backward asks again and nothing is stored. Kept values are scaled by 1 / (1 - p).
struct DropoutKey {
  std::uint64_t key = 0;
  float p = 0;  ///< probability of dropping, 0 <= p < 1; 0 costs nothing
};

/// A list of indices of one of two widths; both null: absent.
struct Ids {
  const std::int32_t* narrow = nullptr;
  const std::int64_t* wide = nullptr;
};

/// a = gelu(h + bias), exact (erf), error below 2.5e-7 * |h|. With `derivative`, which may take h's place,
/// backward is one multiplication.
struct GeluForward {
  const float* h;               ///< [n, f]
  const float* bias = nullptr;  ///< [f]
  float* a;                     ///< [n, f], may be h
  float* derivative = nullptr;  ///< [n, f], gelu'(h + bias); may be h if a is not
  std::int64_t n, f;
};

/// dh = da * gelu'(h + bias), from `derivative` or else from h and bias.
struct GeluBackward {
  const float* da;                    ///< [n, f]
  const float* h = nullptr;           ///< [n, f], without the bias if `bias` is given, as in forward
  const float* bias = nullptr;        ///< [f]
  const float* derivative = nullptr;  ///< [n, f], as forward left it
  float* dh;                          ///< [n, f], may be da, h or derivative
  float* dbias = nullptr;             ///< [f], overwritten with the column sums of dh
  std::int64_t n, f;
};

/// z = residual + dropout(x + bias); y = (z - mean(z)) * rstd(z) * gamma + beta, each row by itself.
struct LayerNormForward {
  const float* x;                   ///< [n, d]
  const float* bias = nullptr;      ///< [d]
  const float* residual = nullptr;  ///< [n, d]
  const float* gamma;               ///< [d]
  const float* beta;                ///< [d]
  float* z = nullptr;               ///< [n, d], may be x or residual; needed unless z is x itself
  float* y;                         ///< [n, d], may be x or residual, not z
  float* mean = nullptr;            ///< [n]
  float* rstd = nullptr;            ///< [n]
  std::int64_t n, d;
  float eps = 1e-12F;
  DropoutKey dropout = {};
};

struct LayerNormBackward {
  const float* dy;         ///< [n, d]
  const float* z;          ///< [n, d]
  const float* mean;       ///< [n]
  const float* rstd;       ///< [n]
  const float* gamma;      ///< [d]
  float* dz;               ///< [n, d], gradient of the residual; may be dy
  float* dx = nullptr;     ///< [n, d], gradient of x through dropout; equals dz if p = 0, then leave it out
  float* dgamma;           ///< [d], overwritten
  float* dbeta;            ///< [d], overwritten
  float* dbias = nullptr;  ///< [d], overwritten with the column sums of dx
  std::int64_t n, d;
  DropoutKey dropout = {};
};

/// P = softmax over keys of (scale * scores + additive), where keys at or after a sequence's length count as
/// minus infinity. Rows with no key left become zeros; NaN spreads over its row.
struct AttentionSoftmax {
  float* scores;                          ///< [B, rows, keys], overwritten by P; rows = H * T queries
  const std::int32_t* lengths = nullptr;  ///< [B], keys that count
  const float* additive = nullptr;        ///< [B, keys], 0 or a large negative number or -inf
  float* dropped = nullptr;               ///< [B, rows, keys], dropout(P); needed if p > 0, else untouched
  std::int64_t batch, rows, keys;
  float scale = 1;  ///< > 0
  DropoutKey dropout = {};
};

struct AttentionSoftmaxBackward {
  const float* p;                         ///< [B, rows, keys], without dropout
  float* gradient;                        ///< [B, rows, keys]: gradient of dropout(P) in, of the scores out
  const std::int32_t* lengths = nullptr;  ///< [B], as in forward
  std::int64_t batch, rows, keys;
  float scale = 1;
  DropoutKey dropout = {};
};

/// Token-choice routing: softmax over experts, then the K most probable; of equals the smaller index.
struct RouterForward {
  const float* logits;         ///< [N, E]
  float* probabilities;        ///< [N, E], may be logits
  std::int32_t* chosen;        ///< [N, K]
  float* gates;                ///< [N, K], the probabilities of the chosen
  std::int64_t n, experts, k;  ///< 1 <= k <= experts
};

struct RouterBackward {
  const float* probabilities;             ///< [N, E]
  const std::int32_t* chosen;             ///< [N, K]
  const float* dgates;                    ///< [N, K]
  const float* dprobabilities = nullptr;  ///< [N, E], for instance of the balance loss
  float* dlogits;                         ///< [N, E], may be dprobabilities
  std::int64_t n, experts, k;
};

/// Groups the N * K assignments by expert, in token order within an expert. An assignment with a negative
/// expert was dropped (capacity): it gets no row. R = offsets[E] rows remain.
struct SortByExpert {
  const std::int32_t* chosen;  ///< [N, K], each below E
  std::int32_t* offsets;       ///< [E + 1]: rows of expert e are offsets[e] .. offsets[e + 1]
  std::int32_t* row_token;     ///< [N * K]: the token of each row; the first R are set
  std::int32_t* row_of;        ///< [N, K]: the row of each assignment, -1 if dropped
  std::int64_t n, k, experts;
};

/// y[token] = sum over k of gates[token, k] * ys[row_of[token, k]], in the order of k. Without gates it is
/// the backward of gathering tokens to rows.
struct Combine {
  const float* ys;               ///< [R, d]
  const std::int32_t* row_of;    ///< [N, K]
  const float* gates = nullptr;  ///< [N, K]
  float* y;                      ///< [N, d], overwritten
  std::int64_t n, k, d;
};

struct CombineBackward {
  const float* dy;             ///< [N, d]
  const float* ys;             ///< [R, d]
  const std::int32_t* row_of;  ///< [N, K]
  const float* gates;          ///< [N, K]
  float* dys;                  ///< [R, d], overwritten; may be ys
  float* dgates;               ///< [N, K], overwritten; 0 for dropped assignments
  std::int64_t n, k, d;
};

/// Sum over rows of -log softmax(logits)[target], in double; rows with a negative target count for nothing.
struct CrossEntropy {
  const float* logits;           ///< [m, V]
  Ids targets;                   ///< [m], each below V
  float* dlogits = nullptr;      ///< [m, V], (softmax - onehot) * scale, may be logits
  float* log_sum_exp = nullptr;  ///< [m]
  std::int64_t m, vocabulary;
  float scale = 1;  ///< of the gradient: 1 / m for the mean loss
};

/// out[i] = word[ids[i]] + position[i % T] + type[types[i]]
struct EmbeddingForward {
  const float* word;                ///< [V, d]
  const float* position = nullptr;  ///< [P, d]
  const float* type = nullptr;      ///< [types, d]
  Ids ids;                          ///< [n], each in 0 .. V
  Ids positions = {};               ///< [n]; absent: i % length
  Ids types = {};                   ///< [n]; absent: 0
  float* out;                       ///< [n, d]
  std::int64_t n, length, d;        ///< length = T
};

/// Adds to the tables' gradients, always in the order of i: the result does not depend on the threads.
struct EmbeddingBackward {
  const float* dout;           ///< [n, d]
  float* dword;                ///< [V, d], added to
  float* dposition = nullptr;  ///< [P, d], added to
  float* dtype = nullptr;      ///< [types, d], added to
  Ids ids;
  Ids positions = {};
  Ids types = {};
  std::int64_t n, length, d;
};

/// y = x / sqrt(mean(x^2) + eps) * gamma, row by row (Zhang and Sennrich 2019).
struct RmsNorm {
  const float* x;      ///< [n, d], rows `x_stride` apart
  const float* gamma;  ///< [d]
  float* y;            ///< [n, d], rows `y_stride` apart; may be x
  std::int64_t n, d;
  std::int64_t x_stride, y_stride;
  float eps;
};

/// Gradients of `RmsNorm`, all rows contiguous.
struct RmsNormBackward {
  const float* dy;     ///< [n, d]
  const float* x;      ///< [n, d]
  const float* gamma;  ///< [d]
  float* dx;           ///< [n, d], may be dy
  float* dgamma;       ///< [d], overwritten
  std::int64_t n, d;
  float eps;
};

/// a = silu(gate) * up for rows of gate and up side by side.
struct SiluMultiplyRows {
  const float* gate_up;  ///< [n, 2f], gate first
  float* a;              ///< [n, f], rows `a_stride` apart
  std::int64_t n, f, a_stride;
};

/// Gradients of `SiluMultiplyRows`.
struct SiluMultiplyBackward {
  const float* gate_up;  ///< [n, 2f]
  const float* da;       ///< [n, f], rows `da_stride` apart
  float* dgate_up;       ///< [n, 2f], rows `stride` apart; not gate_up
  std::int64_t n, f, da_stride, stride;
};

/// How a rotary embedding pairs the elements of a head: i with i + width/2, or 2i with 2i + 1.
enum class RopePairs { kHalves, kNeighbours };

/// Turns each pair (a, b) of each head by its token's angles: (a cos - b sin, b cos + a sin).
struct Rope {
  float* x;             ///< [n] rows `stride` apart, each `heads` heads `head_stride` apart
  const float* cosine;  ///< [n, width/2]
  const float* sine;    ///< [n, width/2]
  std::int64_t n, stride, heads, head_stride;
  std::int64_t width;  ///< of the part that turns, even
  RopePairs pairs = RopePairs::kHalves;
};

/// Softmax over the keys that a query may see: query i is at position first + i, key j at j; keys after it
/// are out, and with a window those at or before first + i - window. The others become zeros.
struct CausalSoftmax {
  float* scores;  ///< [rows, keys], overwritten by the probabilities
  std::int64_t rows, keys;
  std::int64_t first;       ///< position of row 0 relative to key 0, >= 0; first + rows <= keys
  std::int64_t window = 0;  ///< 0: none
  float scale = 1;          ///< > 0
  /// 0: none; else a query sees keys of its own chunk of this many positions, where key 0 stands at
  /// `position`.
  std::int64_t chunk = 0, position = 0;
  /// Nothing, or one more logit of every row, which takes its share of the softmax and gives nothing.
  const float* sink = nullptr;
};

/// y[token[r]] += gates[r] * x[r]; no token occurs twice.
struct ScatterRows {
  const float* x;             ///< [rows, d]
  const std::int32_t* token;  ///< [rows]
  const float* gates;         ///< [rows]
  float* y;                   ///< [*, d], added to
  std::int64_t rows, d;
};

/// Rows of x, or those that `index` names, packed for `panel_product`.
struct PackPanels {
  const float* x;                       ///< [*, d], rows `stride` apart
  const std::int32_t* index = nullptr;  ///< [n]
  float* panels;                        ///< [panel_floats(n, d)]
  std::int64_t n, d, stride;
};

enum class PanelStore { kOverwrite, kAdd };

/// The rows of panels.
struct UnpackPanels {
  const float* panels;  ///< [panel_floats(n, d)]
  float* x;             ///< [n, d], rows `stride` apart
  std::int64_t n, d, stride;
  PanelStore store = PanelStore::kOverwrite;
};

/// What a product becomes before it is stored.
enum class PanelGate {
  kNone,
  kSilu  ///< silu(what y held) times it
};

/// Rows of float32 numbers that are stored in a format of their own: decoded some at a time, while they are
/// multiplied, so that the whole matrix never lies in memory as float32.
struct EncodedRows {
  const void* rows;
  /// Rows first .. first + count, one behind the other; several threads call it at once. Must not throw.
  void (*decode)(const void* rows, std::int64_t first, std::int64_t count, float* to);
};

/// y = x weight^T over packed rows, for n below about a thousand.
struct PanelProduct {
  const float* x;                        ///< panels of [n, in]
  const float* weight = nullptr;         ///< [out, in], or
  const EncodedRows* encoded = nullptr;  ///< the same
  float* y;                              ///< panels of [n, out]
  std::int64_t n, in, out;
  PanelGate gate = PanelGate::kNone;
};

/// A row-major matrix in memory, read as it lies or transposed.
struct MatrixView {
  const float* data;
  std::int64_t stride;  ///< elements between rows as stored
  bool transposed = false;
  /// In the place of `data`: rows as stored, that lie along k. Of one operand only.
  const EncodedRows* encoded = nullptr;
};

/// c = a b + beta * c; with beta = 0 what c held is not read.
struct Gemm {
  MatrixView a;          ///< [m, k]
  MatrixView b;          ///< [k, n]
  float* c;              ///< [m, n], rows `c_stride` apart
  std::int64_t m, n, k;  ///< each may be 0
  std::int64_t c_stride;
  float beta = 0;
};

/// One step of AdamW (Loshchilov and Hutter 2019) as PyTorch computes it, over one flat tensor.
struct AdamW {
  float* parameters;       ///< [count]
  const float* gradients;  ///< [count]
  float* first_moment;     ///< [count]
  float* second_moment;    ///< [count]
  std::int64_t count;
  float learning_rate;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;
  float weight_decay = 0;
  std::int64_t step;         ///< 1 for the first: bias corrections are 1 - beta^step
  float gradient_scale = 1;  ///< multiplies the gradients first (clipping)
};

}  // namespace espalier::simd
