"""Runs a command in a pseudo-terminal and types input.

Standard input is JSON: {"command": [...], "env": {...}, "steps": [{"see": regex, "type": text}], "limit": seconds}. Each step waits until its
text appears after the text of the previous step, and then types. Standard output is JSON: {"code": n, "output": text, "processes": text,
"missing": regex?}. The output has no carriage returns; the command lines of all processes are collected before each input.
"""

import codecs
import json
import os
import pty
import re
import select
import sys
import time


def command_lines():
    lines = set()
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                lines.add(file.read().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines


HANG_UP = "\0hang up"


def run(command, env, steps, limit):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, env)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    output, seen, lines, missing = "", 0, set(), None
    deadline = time.monotonic() + limit
    waiting = list(steps)
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                break
            if chunk == b"":
                break
            output += decoder.decode(chunk).replace("\r", "")
        if waiting:
            found = re.compile(waiting[0]["see"], re.S).search(output, seen)
            if found:
                seen = found.end()
                lines |= command_lines()
                text = waiting.pop(0)["type"]
                if text == HANG_UP:
                    os.close(terminal)
                    break
                os.write(terminal, text.encode())
    else:
        missing = waiting[0]["see"] if waiting else "the end"
        os.kill(pid, 9)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "output": output, "processes": "\n".join(sorted(lines)), "missing": missing}


print(json.dumps(run(**json.load(sys.stdin))))
