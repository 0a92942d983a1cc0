// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Every map, the configuration and the license: defined once for all programs. */
#include "cost.bpf.h"
#include "node_walk.bpf.h"
#include "python.bpf.h"
#include "scan.bpf.h"
#include "site.bpf.h"
#include "stack.bpf.h"

const volatile struct lg_config config SEC(".rodata") = {};
struct lg_control control SEC(".bss") = {};

struct threads_map threads SEC(".maps");
struct slots_map slots SEC(".maps");
struct free_slots_map free_slots SEC(".maps");
struct conns_map conns SEC(".maps");
struct ssls_map ssls SEC(".maps");
struct targets_map targets SEC(".maps");
struct counters_map counters SEC(".maps");
struct events_map events SEC(".maps");
struct costs_map costs SEC(".maps");
struct runtimes_map runtimes SEC(".maps");
struct ask_times_map ask_times SEC(".maps");
struct runtimes_map stack_runtimes SEC(".maps");
struct stack_walks_map stack_walks SEC(".maps");
struct kernel_stacks_map kernel_stacks SEC(".maps");
struct stack_notes_map stack_notes SEC(".maps");
struct node_walks_map node_walks SEC(".maps");
struct walks_map walks SEC(".maps");
struct scans_map scans SEC(".maps");
struct sites_map sites SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
