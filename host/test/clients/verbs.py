# SPDX-License-Identifier: Apache-2.0
"""Runs a client's verbs one after the other and prints what became of each as one line of JSON."""
import json
import sys


def report(verb, work):
    """`{"verb", "result"}`, or `{"verb", "error"}` when the client gave up."""
    try:
        outcome = {"verb": verb, "result": readable(work())}
    except BaseException as error:  # Py-GP raises BaseException
        sw = getattr(error, "sw", None)
        outcome = {"verb": verb, "error": f"{sw:04X}" if isinstance(sw, int) else f"{type(error).__name__}: {error}"}
    print(json.dumps(outcome), flush=True)
    return outcome.get("result")


def readable(value):
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper()
    if isinstance(value, dict):
        return {str(readable(key)): readable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(item) for item in value]
    return value


if __name__ == "__main__":
    sys.exit("verbs.py is used by the scripts of each client")
