# SPDX-License-Identifier: BSD-2-Clause
"""`make check-vm`: boots real kernels in emulated machines and runs the smoke set (smoke.py) in each.

    vm.py FOLDER KERNEL..

FOLDER/kernels holds the kernels (tools/kernels), FOLDER/root-ARCH.cpio the root file system (tests/vm/root),
FOLDER/ARCH/build what was built for ARCH; for this machine's own that is the build folder around FOLDER. A line tells
how each kernel fared; FOLDER/log/KERNEL.log has all of it, FOLDER/instructions.txt what the verifiers processed.
"""
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROBLEM_LINES = 12
BOOT_S = 900  # a pass takes two or three minutes on an idle core
NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]

# What slows the boot of an emulated machine and has nothing to do with us. One thread emulates all CPUs: with several,
# guests crash now and then.
ARGUMENTS = ("quiet panic=-1 lsm= rcupdate.rcu_expedited=1 cryptomgr.notests=1 "
             "initcall_blacklist=load_system_certificate_list")
COMMON = ("-accel", "tcg,thread=single", "-smp", "2", "-m", "1536", "-nodefaults", "-no-user-config", "-display",
          "none", "-serial", "stdio", "-no-reboot")
MACHINES = {
    "amd64": ("qemu-system-x86_64", "-cpu", "max", "-append", f"console=ttyS0 {ARGUMENTS}"),
    "arm64": ("qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on", "-append",
              f"console=ttyAMA0 {ARGUMENTS}"),
}

JOB = ("tests/apps/asgi_app.py", "tests/apps/node_app.js", "tests/e2e/lab_client.py", "tests/e2e/lab_server.py",
       "tests/e2e/lab_tracer.py", "tests/e2e/lab_truth.py", "tests/vm/smoke.py")
BUILT = ("apps/epoll_server", "apps/peer", "bpf/load", "bpf/logic")


def make_initramfs(folder, arch):
    """The root, and behind it the program with its tests below /lgtrace."""
    build = folder.parent if arch == NATIVE else folder / arch / "build"
    job = folder / arch / "job"
    shutil.rmtree(job, ignore_errors=True)
    for source, name in [(build / "lgtrace", "lgtrace"), *((ROOT / name, name) for name in JOB),
                         *((build / name, f"build/{name}") for name in BUILT)]:
        target = job / "lgtrace" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    names = b"\n".join(str(path.relative_to(job)).encode() for path in sorted(job.rglob("*")))
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=job, input=names,
                             stdout=subprocess.PIPE, check=True).stdout
    initramfs = folder / arch / "initramfs"
    with open(initramfs, "wb") as out, open(folder / f"root-{arch}.cpio", "rb") as root:
        shutil.copyfileobj(root, out)
        out.write(archive)
    shutil.rmtree(job)
    return initramfs


def boot(folder, name, initramfs, arch):
    """Runs one machine to its end; the lines that smoke.py said."""
    log = folder / "log" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    command = ["nice", "-n", "15", *MACHINES[arch], *COMMON, "-kernel", folder / "kernels" / name / "vmlinuz",
               "-initrd", initramfs]
    with open(log, "wb") as out:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=BOOT_S,
                           check=False)
        except subprocess.TimeoutExpired:
            out.write(b"\nno end\n")
    said = re.findall(r"@vm (\{.*\})", log.read_text(errors="replace"))
    return [json.loads(line) for line in said]


def is_good(lines):
    return any(line.get("exit") == 0 for line in lines) and not any(line.get("problems") for line in lines)


def describe(lines):
    programs = {line["program"]: line for line in lines if "program" in line}  # the last: with every branch
    stalls = [line for line in lines if "stalls" in line]
    said = [f"{len(programs)} programs"] if programs else []
    if programs:
        most = max(programs.values(), key=lambda line: line["processed"])
        said[0] += (f" ({sum(line['processed'] for line in programs.values()):,} instructions processed, at most "
                    f"{most['processed']:,}, {most['program']})")
    if stalls:
        sums = {word: sum(line[word] for line in stalls) for word in ("stalls", "named", "exact", "placed")}
        said.append("{stalls} stalls, {named} named, {exact} exact, {placed} placed".format(**sums))
        said.append(f"attached in {min(line['attach_s'] for line in stalls):.1f} s at best")
    said += [line["check"] for line in lines if line.get("check", "").startswith("says")]
    return ", ".join(said)


def instruction_table(results):
    """A row for each program, a column for each kernel: what the verifier processed with every branch kept."""
    columns = {name: {line["program"]: line["processed"] for line in lines if line.get("config") == "every branch"}
               for name, lines in results.items()}
    columns = {name: column for name, column in columns.items() if column}
    programs = sorted({program for column in columns.values() for program in column})
    rows = [f"{'program':<24}" + "".join(f"{name:>12}" for name in columns)]
    rows += [f"{program:<24}" + "".join(f"{column.get(program, 0):>12}" for column in columns.values())
             for program in programs]
    return "\n".join(rows) + "\n"


def check_kernel(folder, name):
    """Twice, if need be: what else the machine has to do may come between a stall and its clocks."""
    lines = try_kernel(folder, name)
    return lines if is_good(lines) else try_kernel(folder, name)


def try_kernel(folder, name):
    arch = "arm64" if name.startswith("arm64-") else "amd64"
    release = (folder / "kernels" / name / "release").read_text().strip()
    begin = time.monotonic()
    lines = boot(folder, name, make_initramfs(folder, arch), arch)
    verdict = "ok" if is_good(lines) else "FAILED"
    print(f"{name:<10} {release:<26} {verdict:<6} {describe(lines)}, {time.monotonic() - begin:.0f} s", flush=True)
    for line in lines:
        for problem in line.get("problems", []):
            print(f"  {line['check']}:", *problem.strip().splitlines()[-PROBLEM_LINES:], sep="\n    ", flush=True)
    if not any("exit" in line for line in lines):
        print(f"  it did not come to its end: see {os.path.relpath(folder)}/log/{name}.log", flush=True)
    return lines


def main(folder, names):
    results = {name: check_kernel(folder, name) for name in names}
    failed = [name for name, lines in results.items() if not is_good(lines)]
    (folder / "instructions.txt").write_text(instruction_table(results))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
