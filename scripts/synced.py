#!/usr/bin/env python3
"""Reads the system calls of an ingest (strace -f -y) and says what a loss of power could take from the library.

A file must be synced between its last write and the rename that makes it (or its directory, or CURRENT) count; a
directory between the last rename in it and the next thing that relies on it, or the end.
"""
import re
import sys

trace, library = sys.argv[1], sys.argv[2].rstrip("/")
CALL = re.compile(r"^\d+\s+(\w+)\((.*)\)\s+=\s+(-?\d+)(?:<(.*)>)?")
FD = re.compile(r"^\d+<([^>]*)>")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')

unsynced, renamed, syncs, renames, wrong = {}, {}, 0, [], []
unfinished = {}


def parent(path):
    return path.rsplit("/", 1)[0]


def complain(number, why):
    wrong.append(f"line {number}: {why}")


with open(trace, encoding="utf-8", errors="replace") as lines:
    for number, line in enumerate(lines, 1):
        # A call of one thread may be cut in two by another's.
        pid = line.split(" ", 1)[0]
        if line.rstrip().endswith("<unfinished ...>"):
            unfinished[pid] = line.rstrip()[: -len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"^\d+\s+<\.\.\. \w+ resumed>\s?(.*)$", line)
        if resumed:
            line = unfinished.pop(pid, "") + resumed.group(1)
        call = CALL.match(line)
        if not call or call.group(3).startswith("-"):
            continue
        name, arguments = call.group(1), call.group(2)
        if name in ("write", "pwrite64", "fsync", "fdatasync"):
            found = FD.match(arguments)
            path = found.group(1) if found else ""
            if not path.startswith(library + "/") and path not in renamed:
                continue
            if name in ("write", "pwrite64"):
                unsynced[path] = number
            else:
                syncs += 1
                unsynced.pop(path, None)
                renamed.pop(path, None)
        elif name.startswith("rename"):
            old, new = QUOTED.findall(arguments)[:2]
            if not new.startswith(library + "/"):
                continue
            renames.append(new)
            for path in [path for path in unsynced if path == old or path.startswith(old + "/")]:
                complain(number, f"{path} is renamed before it is synced")
            if new.endswith("/CURRENT"):
                for path in [path for path in unsynced if path.startswith(parent(new) + "/")]:
                    complain(number, f"{path} is not synced before CURRENT names it")
                for path in [path for path in renamed if path.startswith(parent(new))]:
                    complain(number, f"{path}: a name in it is not synced before CURRENT names it")
            # What is inside of a renamed directory has new paths.
            for table in (unsynced, renamed):
                for path in [path for path in table if path.startswith(old + "/")]:
                    table[new + path[len(old):]] = table.pop(path)
            renamed[parent(new)] = number
        elif name == "mkdir":
            path = QUOTED.findall(arguments)[0].rstrip("/")
            if path == library or path.startswith(library + "/"):
                renamed[parent(path)] = number
        elif name == "openat" and "O_CREAT" in arguments and "/new-" in arguments:
            path = QUOTED.findall(arguments)[0]
            # The name that CURRENT had before is of no account.
            if path.startswith(library + "/") and not path.endswith("CURRENT"):
                renamed[parent(path)] = number

for path, number in unsynced.items():
    # Locks hold a pid for people.
    if not path.endswith(".lock"):
        complain(number, f"{path} is never synced")
for path, number in renamed.items():
    complain(number, f"{path}: a name in it is never synced")
if not any(path.endswith("/CURRENT") for path in renames):
    wrong.append("nothing was published: this trace proves nothing")
for what in wrong:
    print(what)
print(f"{syncs} syncs, {len(renames)} renames, {len(wrong)} of them too late or never")
sys.exit(1 if wrong else 0)
