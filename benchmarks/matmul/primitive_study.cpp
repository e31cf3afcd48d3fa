// How fast are the three products of a linear layer by oneDNN's primitives, matmul and inner_product, in the
// plain formats and in those that oneDNN prefers; and what does it cost to create one? docs/design/matmul.md.
// Alone:
//   g++ -O3 -march=native -std=c++20 -fopenmp benchmarks/matmul/primitive_study.cpp -o primitive_study -ldnnl
//   [SECONDS_EACH=0.15] [ONLY=REGEX] ./primitive_study [THREADS] [yxw] [all]
#include <dnnl.hpp>
#include <tuple>
#include <unordered_map>

#include "product_timing.h"

namespace {

using dnnl::memory;
dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);

memory::desc rows(long r, long c) {
  return {{r, c}, memory::data_type::f32, memory::dims{c, 1}};
}
memory::desc columns(long r, long c) {  // a row-major [c,r], transposed
  return {{r, c}, memory::data_type::f32, memory::dims{1, r}};
}
memory::desc any(long r, long c) {
  return {{r, c}, memory::data_type::f32, memory::format_tag::any};
}

struct Operand {
  int argument;
  memory plain;
};

struct Reorder {
  memory from, to;
  dnnl::reorder primitive;
};

// A primitive; an operand whose chosen format is not the plain one is reordered in every run.
template <class Primitive, class Make>
void primitive_way(Product& p, Values& out, std::string name, Make make,
                   const std::vector<Operand>& operands) {
  const double start = seconds();
  const typename Primitive::primitive_desc chosen = make();
  const Primitive primitive(chosen);
  Way way{std::move(name), {}, chosen.impl_info_str(), seconds() - start};
  std::unordered_map<int, memory> arguments;
  std::vector<Reorder> before, after;
  for (const auto& [argument, plain] : operands) {
    const memory::desc format = chosen.query_md(dnnl::query::exec_arg_md, argument);
    const bool is_plain = format == plain.get_desc();
    const memory used = is_plain ? plain : memory(format, engine);
    arguments[argument] = used;
    if (is_plain) continue;
    const bool is_output = argument == DNNL_ARG_DST || argument == DNNL_ARG_DIFF_WEIGHTS;
    const auto& [from, to] = is_output ? std::tie(used, plain) : std::tie(plain, used);
    (is_output ? after : before).push_back({from, to, dnnl::reorder(from, to)});
  }
  if (!before.empty() || !after.empty()) way.kernel += " + reorders";
  way.run = [&] {
    for (auto& [from, to, reorder] : before) reorder.execute(stream, from, to);
    primitive.execute(stream, arguments);
    for (auto& [from, to, reorder] : after) reorder.execute(stream, from, to);
    stream.wait();
  };
  report(p, out, way);
}

// out [r,c] = a [r,k] b [k,c], in the plain formats and in those that oneDNN prefers.
void matmul_ways(Product& p, Values& out, const memory& a, const memory& b, const memory& c) {
  const auto free = [](const memory& m) { return any(m.get_desc().dims()[0], m.get_desc().dims()[1]); };
  const std::vector<Operand> operands{{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}};
  const auto time = [&](const char* name, const memory::desc& left, const memory::desc& right) {
    const auto make = [&] {
      return dnnl::matmul::primitive_desc(dnnl::matmul::desc(left, right, c.get_desc()), engine);
    };
    primitive_way<dnnl::matmul>(p, out, name, make, operands);
  };
  time("matmul", a.get_desc(), b.get_desc());
  time("matmul any", free(a), free(b));
}

memory wrap(const memory::desc& desc, Values& values) {
  return {desc, engine, values.data()};
}

void forward(Product p) {
  const long n = p.n, d = p.d, f = p.f;
  report(p, p.y,
         {"sgemm NT",
          [&] { dnnl_sgemm('N', 'T', n, f, d, 1, p.x.data(), d, p.w.data(), d, 0, p.y.data(), f); }, ""});
  const memory mx = wrap(rows(n, d), p.x), my = wrap(rows(n, f), p.y), mw = wrap(rows(f, d), p.w);
  matmul_ways(p, p.y, mx, wrap(columns(d, f), p.w), my);
  using Door = dnnl::inner_product_forward;
  const auto make = [&] {
    const Door::desc desc(dnnl::prop_kind::forward_training, rows(n, d), any(f, d), rows(n, f));
    return Door::primitive_desc(desc, engine);
  };
  primitive_way<Door>(p, p.y, "inner_product any weights", make,
                      {{DNNL_ARG_SRC, mx}, {DNNL_ARG_WEIGHTS, mw}, {DNNL_ARG_DST, my}});
}

void backward_data(Product p) {
  const long n = p.n, d = p.d, f = p.f;
  report(p, p.dx,
         {"sgemm NN",
          [&] { dnnl_sgemm('N', 'N', n, d, f, 1, p.dy.data(), f, p.w.data(), d, 0, p.dx.data(), d); }, ""});
  matmul_ways(p, p.dx, wrap(rows(n, f), p.dy), wrap(rows(f, d), p.w), wrap(rows(n, d), p.dx));
}

void backward_weights(Product p) {
  const long n = p.n, d = p.d, f = p.f;
  report(p, p.dw,
         {"sgemm TN",
          [&] { dnnl_sgemm('T', 'N', f, d, n, 1, p.dy.data(), f, p.x.data(), d, 0, p.dw.data(), d); }, ""});
  const memory mx = wrap(rows(n, d), p.x), mdw = wrap(rows(f, d), p.dw), mdy = wrap(rows(n, f), p.dy);
  matmul_ways(p, p.dw, wrap(columns(f, n), p.dy), mx, mdw);
  using Forward = dnnl::inner_product_forward;
  using Gradient = dnnl::inner_product_backward_weights;
  const auto make = [&] {
    const Forward::desc hint(dnnl::prop_kind::forward_training, any(n, d), any(f, d), any(n, f));
    return Gradient::primitive_desc(Gradient::desc(any(n, d), any(f, d), any(n, f)), engine,
                                    Forward::primitive_desc(hint, engine));
  };
  primitive_way<Gradient>(p, p.dw, "inner_product any", make,
                          {{DNNL_ARG_SRC, mx}, {DNNL_ARG_DIFF_DST, mdy}, {DNNL_ARG_DIFF_WEIGHTS, mdw}});
}

}  // namespace

int main(int argc, char** argv) {
  study(argc, argv, forward, backward_data, backward_weights);
}
