/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads clocks and counters; what follows from them is decided in model/budget.c. */
#include "cmd/meter.h"

#include "cmd/session.h"

#define SAMPLE_NS NS_PER_S
#define BEATS     8 /* of a sample, in which the slice may begin */

/* All its threads, ended ones too; 0: it is gone. */
static uint64_t process_cpu(int pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : clock_ns(clock);
}

static void process_read(void *arg, int pid)
{
	struct meter *m = arg;
	uint64_t before_ns = (uintptr_t)table_get(&m->cpu_ns, pid), now_ns = process_cpu(pid);

	if (now_ns)
		table_put(&m->cpu_new, pid, (void *)(uintptr_t)now_ns);
	if (before_ns && now_ns > before_ns)
		m->target_ns += now_ns - before_ns;
}

/* CPU time of the targets since it was read last. One that is new counts from its second sample on. */
static uint64_t targets_read(struct meter *m, const struct live *live)
{
	m->target_ns = 0;
	table_init(&m->cpu_new, 0);
	live_processes(live, process_read, m);
	table_fini(&m->cpu_ns);
	m->cpu_ns = m->cpu_new;
	return m->target_ns;
}

static void sample_begin(struct meter *m, uint64_t now_ns)
{
	m->start_ns = now_ns;
	m->own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	m->slice_due_ns = now_ns + m->nr_samples++ * 3 % BEATS * BEAT_NS;
	m->slice_ns = 0;
}

void meter_init(struct meter *m, uint64_t limit_ppm, const struct live *live)
{
	*m = (struct meter){0};
	budget_init(&m->budget, limit_ppm);
	table_init(&m->cpu_ns, 0);
	if (!limit_ppm)
		return;
	targets_read(m, live);
	sample_begin(m, clock_ns(CLOCK_MONOTONIC));
}

void meter_fini(struct meter *m)
{
	table_fini(&m->cpu_ns);
}

/* The slice stands for the whole sample. */
static uint64_t slice_scale(struct meter *m, const struct probe *probe, uint64_t window_ns)
{
	uint64_t ns, before_ns = m->bpf_ns;

	if (probe_cost(probe, &ns))
		return 0;
	m->bpf_ns = ns;
	return (uint64_t)((double)(ns - before_ns) * (double)window_ns / (double)m->slice_ns);
}

static void sample_end(struct meter *m, const struct probe *probe, const struct live *live, uint64_t now_ns,
		       struct budget_sample *sample)
{
	sample->window_ns = now_ns - m->start_ns;
	sample->target_ns = targets_read(m, live);
	sample->bpf_ns = slice_scale(m, probe, sample->window_ns);
	sample->own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - m->own_ns;
}

/* Returns whether the sample has all it needs. */
static bool slice_step(struct meter *m, struct probe *probe, uint64_t now_ns)
{
	if (m->slice_from_ns) {
		probe_measure(probe, false);
		m->slice_ns = now_ns - m->slice_from_ns;
		m->slice_from_ns = 0;
	} else if (!m->slice_ns && now_ns >= m->slice_due_ns) {
		probe_measure(probe, true);
		m->slice_from_ns = now_ns;
	}
	return m->slice_ns && now_ns >= m->start_ns + SAMPLE_NS;
}

bool meter_beat(struct meter *m, struct probe *probe, const struct live *live, struct lg_rec_budget *rec)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	enum lg_level before = m->budget.level;
	struct budget_sample sample;

	if (!m->budget.limit_ppm || !slice_step(m, probe, now_ns))
		return false;
	sample_end(m, probe, live, now_ns, &sample);
	sample_begin(m, now_ns);
	if (!budget_take(&m->budget, &sample))
		return false;
	probe_set_level(probe, m->budget.level);
	*rec = (struct lg_rec_budget){
		.level = m->budget.level,
		.before = before,
		.limit_ppm = m->budget.limit_ppm,
		.window_ns = sample.window_ns,
		.target_ns = sample.target_ns,
		.bpf_ns = sample.bpf_ns,
		.own_ns = sample.own_ns,
	};
	return true;
}
