// Runs mmvq.cu on the CPU, host and device side, as on a machine with one gfx906: one fiber a thread, block after block.
//
// clang compiles the host half of a HIP program in which device functions count for the host as well. What is left to
// supply: launches, indices, barriers, shuffles within a warp, and the few instructions that only a GPU has. The same
// inputs go through `ggml_cuda_op_mul_mat_vec_q`, upstream's own way in, so host and device must agree on the geometry.
#include <hip/hip_bf16.h>
#include <hip/hip_fp16.h>
#include <hip/hip_runtime.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

// The quants' tables go into host memory: a `__device__` table has no content on the host.
#define GGML_COMMON_DECL_HIP
#define GGML_COMMON_IMPL_HIP
#undef __device__
#define __device__
#include <ggml-common.h>

#undef __device__
#undef __global__
#undef __shared__
#undef __launch_bounds__
#define __device__ __attribute__((host)) __attribute__((device))
#define __global__ __device__
#define __shared__ thread_local // static in a function, and allowed behind `extern`; blocks run one after the other
#define __launch_bounds__(...)

namespace emulation {

struct index {
    unsigned x, y, z;
};

struct fiber {
    ucontext_t context;
    index id;
    bool finished;
    unsigned long long deposit;
};

constexpr size_t stack_bytes = 64 * 1024;
static index thread, block;
static std::vector<fiber> fibers;
static size_t current;
static ucontext_t scheduler;
static const std::function<void()> * kernel;

// Every living thread of the block comes here before anyone goes on.
static void barrier() {
    swapcontext(&fibers[current].context, &scheduler);
}

static void run_fiber() {
    (*kernel)();
    fibers[current].finished = true;
    barrier();
}

static void run_block(const dim3 dims, char * stacks) {
    fibers.assign(dims.x * dims.y * dims.z, fiber{});
    for (size_t i = 0; i < fibers.size(); ++i) {
        fibers[i].id = {unsigned(i % dims.x), unsigned(i / dims.x % dims.y), unsigned(i / dims.x / dims.y)};
        getcontext(&fibers[i].context);
        fibers[i].context.uc_stack.ss_sp = stacks + i * stack_bytes;
        fibers[i].context.uc_stack.ss_size = stack_bytes;
        makecontext(&fibers[i].context, run_fiber, 0);
    }
    for (size_t alive = fibers.size(); alive > 0;) {
        for (current = 0; current < fibers.size(); ++current) {
            if (!fibers[current].finished) {
                thread = fibers[current].id;
                swapcontext(&scheduler, &fibers[current].context);
                alive -= fibers[current].finished;
            }
        }
    }
}

static void launch(const dim3 grid, const dim3 dims, const std::function<void()> & body) {
    const std::unique_ptr<char[]> stacks(new char[dims.x * dims.y * dims.z * stack_bytes]);
    kernel = &body;
    for (unsigned z = 0; z < grid.z; ++z) {
        for (unsigned y = 0; y < grid.y; ++y) {
            for (unsigned x = 0; x < grid.x; ++x) {
                block = {x, y, z};
                run_block(dims, stacks.get());
            }
        }
    }
}

template <typename K, typename P, typename... A>
static void kernel_launch(K function, const P & params, A... arguments) {
    launch(params.block_nums, params.block_dims, [&] { function(arguments...); });
}

// __shfl_xor: each thread hands its value to the one whose lane differs by the mask.
template <typename T>
static T shuffle_xor(T value, int mask, int width) {
    const size_t me = current, lane = me % width;
    memcpy(&fibers[me].deposit, &value, sizeof(T));
    barrier();
    T result;
    memcpy(&result, &fibers[me - lane + (lane ^ mask)].deposit, sizeof(T));
    barrier();
    return result;
}

// v_dot4_i32_i8
static int dot4(int a, int b, int c, bool) {
    for (int i = 0; i < 4; ++i) {
        c += int(int8_t(a >> 8*i)) * int(int8_t(b >> 8*i));
    }
    return c;
}

// v_perm_b32 (Vega ISA 12.10)
static unsigned perm(unsigned a, unsigned b, unsigned select) {
    const unsigned long long bytes = (unsigned long long)(a) << 32 | b;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned s = select >> 8*i & 0xff;
        const unsigned sign = s >= 8 && s <= 11 ? unsigned(bytes >> (16*(s - 8) + 15) & 1) * 0xff : 0;
        result |= (s <= 7 ? unsigned(bytes >> 8*s & 0xff) : s >= 13 ? 0xff : sign) << 8*i;
    }
    return result;
}

// CUDA's __byte_perm, which HIP offers by the same name
static unsigned byte_perm(unsigned x, unsigned y, unsigned select) {
    const unsigned long long bytes = (unsigned long long)(y) << 32 | x;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        result |= unsigned(bytes >> 8*(select >> 4*i & 7) & 0xff) << 8*i;
    }
    return result;
}

// Since 2025 a kernel can multiply with a gate as well; upstream's way in never asks for it, so it is handed over here.
static const void * gate;
static const float * biases;

} // namespace emulation

#define EMULATE_GATE(arguments) \
    if (emulation::gate) { \
        arguments.gate = emulation::gate; \
        arguments.x_bias = arguments.gate_bias = emulation::biases; \
        arguments.glu_op = GGML_GLU_OP_SWIGLU; \
    }
#define threadIdx emulation::thread
#define blockIdx emulation::block
#define __shfl_xor(value, mask, width) emulation::shuffle_xor(value, mask, width)
#define __syncthreads emulation::barrier
#define __builtin_amdgcn_sdot4 emulation::dot4
#define __builtin_amdgcn_perm emulation::perm
#define __byte_perm emulation::byte_perm
#define __popc(x) __builtin_popcount(x)
#define __umulhi(a, b) unsigned((unsigned long long)(a) * (b) >> 32)
#define ROCMOX_LAUNCH(grid, dims, shared, stream, ...) emulation::launch(grid, dims, [&] { __VA_ARGS__; })
#include <common.cuh>
#define ggml_cuda_kernel_launch emulation::kernel_launch
#include MMVQ

struct quant {
    ggml_type type;
    const char * name;
    int values;
    size_t bytes;
};

static const quant quants[] = {
    {GGML_TYPE_Q4_0, "Q4_0", QK4_0, sizeof(block_q4_0)},
    {GGML_TYPE_Q4_1, "Q4_1", QK4_1, sizeof(block_q4_1)},
    {GGML_TYPE_Q5_0, "Q5_0", QK5_0, sizeof(block_q5_0)},
    {GGML_TYPE_Q5_1, "Q5_1", QK5_1, sizeof(block_q5_1)},
    {GGML_TYPE_Q8_0, "Q8_0", QK8_0, sizeof(block_q8_0)},
    {GGML_TYPE_Q2_K, "Q2_K", QK_K, sizeof(block_q2_K)},
    {GGML_TYPE_Q3_K, "Q3_K", QK_K, sizeof(block_q3_K)},
    {GGML_TYPE_Q4_K, "Q4_K", QK_K, sizeof(block_q4_K)},
    {GGML_TYPE_Q5_K, "Q5_K", QK_K, sizeof(block_q5_K)},
    {GGML_TYPE_Q6_K, "Q6_K", QK_K, sizeof(block_q6_K)},
    {GGML_TYPE_IQ1_S, "IQ1_S", QK_K, sizeof(block_iq1_s)},
    {GGML_TYPE_IQ1_M, "IQ1_M", QK_K, sizeof(block_iq1_m)},
    {GGML_TYPE_IQ2_XXS, "IQ2_XXS", QK_K, sizeof(block_iq2_xxs)},
    {GGML_TYPE_IQ2_XS, "IQ2_XS", QK_K, sizeof(block_iq2_xs)},
    {GGML_TYPE_IQ2_S, "IQ2_S", QK_K, sizeof(block_iq2_s)},
    {GGML_TYPE_IQ3_XXS, "IQ3_XXS", QK_K, sizeof(block_iq3_xxs)},
    {GGML_TYPE_IQ3_S, "IQ3_S", QK_K, sizeof(block_iq3_s)},
    {GGML_TYPE_IQ4_NL, "IQ4_NL", QK4_NL, sizeof(block_iq4_nl)},
    {GGML_TYPE_IQ4_XS, "IQ4_XS", QK_K, sizeof(block_iq4_xs)},
#ifdef HAS_MXFP4
    {GGML_TYPE_MXFP4, "MXFP4", QK_MXFP4, sizeof(block_mxfp4)},
#endif
#ifdef HAS_NVFP4
    {GGML_TYPE_NVFP4, "NVFP4", QK_NVFP4, sizeof(block_nvfp4)},
#endif
#ifdef HAS_Q1_0
    {GGML_TYPE_Q1_0, "Q1_0", QK1_0, sizeof(block_q1_0)},
#endif
#ifdef HAS_Q2_0
    {GGML_TYPE_Q2_0, "Q2_0", QK2_0, sizeof(block_q2_0)},
#endif
};

// What ggml.c, ggml-cuda.cu and the HIP runtime would answer on a machine with one gfx906.
extern "C" int64_t ggml_blck_size(enum ggml_type type) {
    return std::find_if(std::begin(quants), std::end(quants), [&](const quant & q) { return q.type == type; })->values;
}

int ggml_cuda_get_device() {
    return 0;
}

template <typename D>
static auto set_warp_size(D & device, int) -> decltype(device.warp_size = 64, void()) {
    device.warp_size = 64;
}
template <typename D>
static void set_warp_size(D &, long) {} // versions that count 32 on every GPU

const ggml_cuda_device_info & ggml_cuda_info() {
    static ggml_cuda_device_info info = [] {
#ifdef GGML_CUDA_CC_OFFSET_AMD
        const int offset = GGML_CUDA_CC_OFFSET_AMD;
#else
        const int offset = CC_OFFSET_AMD;
#endif
        ggml_cuda_device_info made = {};
        made.device_count = 1;
        made.devices[0].cc = offset + (offset == 1000000 ? 900 : 0x906); // ggml_cuda_init before and from b4567
        set_warp_size(made.devices[0], 0);
        return made;
    }();
    return info;
}

extern "C" {
char __hip_gpubin_handle_, __hip_fatbin_;
void ** __hipRegisterFatBinary(const void *) {
    static void * none;
    return &none;
}
void __hipUnregisterFatBinary(void **) {}
}

// Bytes of which no two, read as a half, are NaN, infinite, huge, or next to nothing: any layout of scales is sound.
static std::vector<char> random_bytes(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<char> bytes(count);
    for (char & byte : bytes) {
        do {
            byte = char(random());
        } while ((byte & 0x7c) < 0x20 || (byte & 0x7c) >= 0x48);
    }
    return bytes;
}

static void multiply(const quant & quant, int columns, int width, int rows, unsigned seed, bool gated) {
    ggml_tensor x = {}, y = {}, product = {};
    x.type = quant.type;
    y.type = product.type = GGML_TYPE_F32;
    const std::array<int64_t, 4> shapes[] = {{width, rows, 1, 1}, {width, columns, 1, 1}, {rows, columns, 1, 1}};
    std::copy(shapes[0].begin(), shapes[0].end(), x.ne);
    std::copy(shapes[1].begin(), shapes[1].end(), y.ne);
    std::copy(shapes[2].begin(), shapes[2].end(), product.ne);

    const size_t weights_bytes = width / quant.values * quant.bytes * rows;
    const std::vector<char> weights = random_bytes(weights_bytes, seed + quant.type);
    const std::vector<char> gate = random_bytes(weights_bytes, seed + 2000 + quant.type);
    const std::vector<char> activations = random_bytes(width / QK8_1 * sizeof(block_q8_1) * columns, seed + 1000 + columns);
    const std::vector<float> biases(rows, 0.5f);
    emulation::gate = gated ? gate.data() : nullptr;
    emulation::biases = biases.data();
    std::vector<float> result(rows * columns, -1.0f);
    alignas(64) static char context[1 << 16]; // only its `device` is read, and that is 0
    ggml_cuda_op_mul_mat_vec_q(
        *(ggml_backend_cuda_context *) context, &x, &y, &product, weights.data(), nullptr, activations.data(),
        result.data(), 0, rows, columns, width, nullptr);

    printf("%s%s %d", quant.name, gated ? "+gate" : "", columns);
    for (const float value : result) {
        printf(" %a", value);
    }
    printf("\n");
}

// emulate SEED WIDTH ROWS [WIDTH ROWS...]: for each shape a line for every quant and 1 to 8 columns, values in C's exact
// notation, and one with a gate where this version has it
int main(int count, char ** arguments) {
    const int seed = atoi(arguments[1]);
    for (int i = 2; i + 1 < count; i += 2) {
        const int width = atoi(arguments[i]), rows = atoi(arguments[i + 1]);
        for (const quant & quant : quants) {
            for (int columns = 1; columns <= MMVQ_MAX_BATCH_SIZE; ++columns) {
                multiply(quant, columns, width, rows, seed, false);
            }
#ifdef HAS_GATE
            multiply(quant, 1, width, rows, seed, true);
#endif
        }
    }
}
